"""What learners on episodes share: critics, tables of action values and the loss of PPO."""

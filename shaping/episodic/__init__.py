"""What learners on episodes share: critics, tables of action values, the loss of proximal policy optimization."""

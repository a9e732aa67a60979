"""The paper's experiments without a table of their own: what each study plays."""

"""The paper's experiments that have no table in it: what each study plays."""

"""Reports: table cells, Table 1, ablations, studies, claims, figures."""

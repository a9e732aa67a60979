"""Reports: table cells, Table 1, ablations, studies, remarks and figures."""

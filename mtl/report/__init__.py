"""Tables, figures and claims from what runs have recorded; nothing here trains, and nothing needs torch.

`read` turns run folders and CSV files into frames, `numbers` computes gains, ranks, noise, costs and searches,
`render` writes them as text and pictures, and `figures` draws the figures of the paper. On top of these: `outputs` for
the files of an experiment, `claims` for the verdicts on the paper's claims, `misprints` for its printed numbers, and
`web` for the HTML page with all of it.
"""

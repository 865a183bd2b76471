"""Tables, figures and claim verdicts from the records of finished runs; nothing here trains or imports torch.

`read` loads run folders and CSV files into frames. `numbers` computes gains, ranks, seed noise, costs and the outcome
of searches. `render` formats them as text and images, and `figures` draws the paper's figures. On top of these,
`outputs` makes the files of an experiment, `claims` judges the paper's claims, `misprints` checks its printed numbers,
and `web` puts everything on one HTML page.
"""

"""When does sorting pay, what is one more point of AUROC worth, and what do assays bring over labels by lot?"""

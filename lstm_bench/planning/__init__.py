"""From config.yaml to a plan: all bad input is found here, before anything runs."""

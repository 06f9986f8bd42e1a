from lstm_bench.cli import main

main()

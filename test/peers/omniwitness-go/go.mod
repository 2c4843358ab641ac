module sallyport.dev/test/peers/omniwitness

go 1.26.0

require github.com/transparency-dev/witness v0.0.0-20260720115447-2e1c6971d19e

replace github.com/transparency-dev/merkle => ./merkle

replace github.com/transparency-dev/serverless-log => ./serverless-log

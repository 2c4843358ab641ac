module github.com/transparency-dev/serverless-log

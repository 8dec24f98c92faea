module github.com/portsitter/portsitter/scripts/lab/bench/peers/jackpal

go 1.23

require (
	github.com/jackpal/gateway v1.0.6
	github.com/jackpal/go-nat-pmp v1.1.0
)

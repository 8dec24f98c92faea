module github.com/portsitter/portsitter/scripts/lab/bench/peers/goupnp

go 1.23

require (
	github.com/huin/goupnp v1.3.0
	golang.org/x/sync v0.0.0-20210220032951-036812b2e83c
)

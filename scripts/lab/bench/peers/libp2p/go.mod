module github.com/portsitter/portsitter/scripts/lab/bench/peers/libp2p

go 1.24

require github.com/libp2p/go-libp2p v0.43.0

require (
	github.com/google/gopacket v1.1.19 // indirect
	github.com/huin/goupnp v1.3.0 // indirect
	github.com/ipfs/go-log/v2 v2.6.0 // indirect
	github.com/jackpal/go-nat-pmp v1.0.2 // indirect
	github.com/koron/go-ssdp v0.0.6 // indirect
	github.com/libp2p/go-netroute v0.2.2 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	go.uber.org/zap v1.27.0 // indirect
	golang.org/x/net v0.41.0 // indirect
	golang.org/x/sync v0.15.0 // indirect
	golang.org/x/sys v0.33.0 // indirect
)

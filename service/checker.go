package service

import (
	"net/netip"

	"github.com/portsitter/portsitter/netutil/checker"
	"github.com/spf13/cobra"
)

const checkerHelp = `Be a checker for others: a small server on the internet that knocks at the port of whoever asks, and
says whether the game there answers. Portsitter and Smash64 Online's own page can ask it.

  portsitter checker
  portsitter checker --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem
  portsitter checker --listen 127.0.0.1:8080 --trusted-proxy 127.0.0.1/32     behind a reverse proxy

It knocks only at the address that asks, and only at ports from 1025 up, so it is no tool against
others. It keeps nothing but counters: any number of them may run behind one name.
In the settings of a Portsitter its address is https://YOUR.NAME/kaillera/p2p-check.

Flags:
  --listen ADDR          where to serve (default 0.0.0.0:8080); may be given again
  --rate N               checks per minute, of all callers together (default 120)
  --trusted-proxy CIDR   a proxy whose X-Forwarded-For tells who asks; may be given again
  --tls-cert FILE        certificate; without it, plain HTTP
  --tls-key FILE         its key
  --allow-private        check addresses that are not public, too: for labs
`

func newCheckerCommand(a *app) *cobra.Command {
	var o checker.ServerOptions
	var listen, proxies []string
	cmd := &cobra.Command{
		Use:   "checker",
		Short: "Be a checker for others",
		Long:  checkerHelp,
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilStopped(cmd.Context())
			defer stop()
			addrs, err := parseEach(listen, "--listen", "127.0.0.1:8080", netip.ParseAddrPort)
			if err != nil {
				return err
			}
			if o.TrustedProxies, err = parseEach(proxies, "--trusted-proxy", "127.0.0.1/32", netip.ParsePrefix); err != nil {
				return err
			}
			switch {
			case o.Rate < 1:
				return fail(exitUsage, "--rate %d is not allowed: at least one check per minute", o.Rate)
			case (o.TLSCert == "") != (o.TLSKey == ""):
				return fail(exitUsage, "--tls-cert and --tls-key go together: give both, or none for plain HTTP")
			}
			o.Log = newLogger(a.stderr, "info")
			return checker.NewServer(o).Run(ctx, addrs...)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&listen, "listen", []string{"0.0.0.0:8080"}, "where to serve")
	flags.IntVar(&o.Rate, "rate", 120, "checks per minute")
	flags.StringArrayVar(&proxies, "trusted-proxy", nil, "a proxy whose X-Forwarded-For counts")
	flags.StringVar(&o.TLSCert, "tls-cert", "", "certificate")
	flags.StringVar(&o.TLSKey, "tls-key", "", "its key")
	flags.BoolVar(&o.AllowPrivate, "allow-private", false, "check addresses that are not public, too")
	return cmd
}

// parseEach reads the values of a flag that may be given again.
func parseEach[T any](values []string, flag, example string, parse func(string) (T, error)) ([]T, error) {
	var out []T
	for _, v := range values {
		t, err := parse(v)
		if err != nil {
			return nil, fail(exitUsage, "%s %q cannot be read: write it like %s", flag, v, example)
		}
		out = append(out, t)
	}
	return out, nil
}

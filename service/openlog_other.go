//go:build !windows

package service

import "log/slog"

// serviceHandler is nil here: a service writes to standard error, where its manager collects it.
func (a *app) serviceHandler(string) (slog.Handler, func() error, error) { return nil, nil, nil }

// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package etcd runs an etcd of one member in the server's process, so that a hub need not have one to spare.
package etcd

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	socketName = "etcd.sock"
	lockName   = "lock"

	// maxSocketPath is what fits into the address of a unix socket.
	maxSocketPath = 107

	startTimeout = time.Minute
	// progressInterval is how often a watch without events learns the newest revision; the watch caches need it to be fresh.
	progressInterval = 5 * time.Second
	// DefaultQuota is where etcd refuses writes. Its own default of 2 GiB is for machines of another time.
	DefaultQuota = 8 << 30
)

// Server is a running etcd.
type Server struct {
	etcd     *embed.Etcd
	lock     *os.File
	logs     zap.AtomicLevel
	endpoint string

	stop      context.CancelFunc
	caring    sync.WaitGroup
	compacted int64
}

// Start runs an etcd that keeps its data in the directory and listens on a unix socket there, which nobody but the owner
// of the directory can reach. Everything it has acknowledged survives the process being killed. It returns when the etcd
// answers. Old revisions are compacted by the API server that uses it; a database of more than quota bytes is cleared of
// what is not needed, and refuses writes while it is full all the same.
func Start(ctx context.Context, dataDir string, quota int64) (*Server, error) {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, socketName)
	if len(socket) > maxSocketPath {
		return nil, fmt.Errorf("the data directory %s has a path too long for a socket in it; choose one of at most %d characters",
			dir, maxSocketPath-len(socketName)-1)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock, logs: zap.NewAtomicLevelAt(zap.WarnLevel), endpoint: "unix://" + socket}
	if s.etcd, err = embed.StartEtcd(config(dir, socket, quota, s.logs)); err != nil {
		lock.Close()
		return nil, fmt.Errorf("starting the embedded etcd in %s: %w", dir, err)
	}
	if err := s.awaitReady(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("starting the embedded etcd in %s: %w", dir, err)
	}
	var caring context.Context
	caring, s.stop = context.WithCancel(context.Background())
	s.caring.Go(func() { s.keepSpace(caring) })
	return s, nil
}

func config(dir, socket string, quota int64, logs zap.AtomicLevel) *embed.Config {
	c := embed.NewConfig()
	c.Name = "dr-apiserver"
	c.Dir = filepath.Join(dir, "member-data")
	c.ListenClientUrls = []url.URL{{Scheme: "unix", Path: socket}}
	c.AdvertiseClientUrls = c.ListenClientUrls
	// There are no peers to listen to.
	c.ListenPeerUrls = nil
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.WatchProgressNotifyInterval = progressInterval
	c.QuotaBackendBytes = quota
	// There is nobody to be elected but this one member.
	c.TickMs, c.ElectionMs = 50, 250
	c.EnableGRPCGateway = false
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(logger(logs))
	return c
}

func logger(level zap.AtomicLevel) *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(os.Stderr), level)).Named("etcd")
}

// lockDir keeps a second process off the directory, whose etcd would wait for the first one's for ever.
func lockDir(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("the data directory %s is in use by another process; stop that, or choose another --data-dir: %w", dir, err)
	}
	return lock, nil
}

func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case <-s.etcd.Server.ReadyNotify():
		return nil
	case err := <-s.etcd.Err():
		return err
	case <-ctx.Done():
		return fmt.Errorf("it did not become ready: %w", ctx.Err())
	}
}

// Endpoint is what a client connects to.
func (s *Server) Endpoint() string { return s.endpoint }

// Failed delivers the error that ends the etcd, if one does.
func (s *Server) Failed() <-chan error { return s.etcd.Err() }

// Stop ends the etcd and frees the directory. Etcd takes the closing of its own listeners for errors; they are not logged.
func (s *Server) Stop() {
	if s.stop != nil {
		s.stop()
		s.caring.Wait()
	}
	s.logs.SetLevel(zap.FatalLevel)
	s.etcd.Close()
	s.lock.Close()
}

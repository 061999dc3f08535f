// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// maxRangeBits leaves some addresses.
const maxRangeBits = 28

// options are the command line.
type options struct {
	cluster       string
	kubeconfig    string
	dataDir       string
	ackDir        string
	listen        string
	peer          string
	csiSocket     string
	addonsPort    int
	driver        string
	writeInterval time.Duration
	instant       bool

	loadBalancerRange string

	kubeletListen   string
	kubeletCertFile string
	kubeletKeyFile  string
}

func (o *options) addFlags(fs *flag.FlagSet) {
	fs.StringVar(&o.cluster, "cluster", "", "name of the cluster this is the storage of")
	fs.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig of an administrator of that cluster")
	fs.StringVar(&o.dataDir, "data-dir", "", "directory to keep the volumes in")
	fs.StringVar(&o.ackDir, "ack-dir", "", "directory to keep what was acknowledged to writers in; all clusters share it")
	fs.StringVar(&o.listen, "listen", "", "address on loopback that the peer's storage and people reach this one at")
	fs.StringVar(&o.peer, "peer", "", "address of the peer's storage")
	fs.StringVar(&o.csiSocket, "csi-socket", "", "unix socket to serve CSI on")
	fs.IntVar(&o.addonsPort, "csi-addons-port", 0, "port on loopback to serve csi-addons on")
	fs.StringVar(&o.driver, "driver", "sim.dr.ramen.io", "name of the CSI driver")
	fs.StringVar(&o.loadBalancerRange, "load-balancer-range", "198.18.0.0/16",
		"addresses for Services of type LoadBalancer; each cluster needs its own")
	fs.StringVar(&o.kubeletListen, "kubelet-listen", "", "address on loopback at which the nodes are asked for what movers print; not at all by default")
	fs.StringVar(&o.kubeletCertFile, "kubelet-cert-file", "", "certificate of the nodes")
	fs.StringVar(&o.kubeletKeyFile, "kubelet-key-file", "", "key of that certificate")
	fs.DurationVar(&o.writeInterval, "write-interval", 20*time.Millisecond, "time between two records of a volume; longer with many volumes")
	fs.BoolVar(&o.instant, "instant", false, "answer VolumeReplications without the csi-addons manager, and don't wait for the disk")
}

func (o *options) validate() error {
	var errs []error
	for name, value := range map[string]string{
		"cluster": o.cluster, "kubeconfig": o.kubeconfig, "data-dir": o.dataDir, "ack-dir": o.ackDir, "listen": o.listen,
		"peer": o.peer, "csi-socket": o.csiSocket, "driver": o.driver,
	} {
		if value == "" {
			errs = append(errs, fmt.Errorf("--%s is missing", name))
		}
	}
	if o.addonsPort == 0 && !o.instant {
		errs = append(errs, errors.New("--csi-addons-port is missing"))
	}
	if o.writeInterval <= 0 {
		errs = append(errs, fmt.Errorf("--write-interval must be positive, not %s", o.writeInterval))
	}
	if prefix, err := netip.ParsePrefix(o.loadBalancerRange); err != nil || !prefix.Addr().Is4() || prefix.Bits() > maxRangeBits {
		errs = append(errs, fmt.Errorf("--load-balancer-range=%s: give IPv4 addresses, as in 198.18.0.0/16", o.loadBalancerRange))
	}
	if !onLoopback(o.listen) {
		errs = append(errs, fmt.Errorf("--listen=%s: give 127.0.0.1:PORT, nobody else may reach the storage", o.listen))
	}
	if o.kubeletListen != "" && !onLoopback(o.kubeletListen) {
		errs = append(errs, fmt.Errorf("--kubelet-listen=%s: give 127.0.0.1:PORT, nobody else may reach the nodes", o.kubeletListen))
	}
	return errors.Join(errs...)
}

func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && net.ParseIP(host).IsLoopback()
}

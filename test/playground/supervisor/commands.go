// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/network"
)

// Kill ends processes as a power cut does: those of a cluster or of the hub, or one of them:
// "agent CLUSTER", "etcd CLUSTER" (of the cluster's kube-apiserver) or "apiserver" (dr-apiserver).
func (s *Supervisor) Kill(report Progress, words []string) error {
	c, process, err := s.find(words)
	if err != nil {
		return err
	}
	if process == "" {
		c.kill()
	} else {
		c.kill(process)
	}
	report("%s is dead.", strings.Join(words, " "))
	return nil
}

// Start starts again what Kill killed, and returns when it is ready.
func (s *Supervisor) Start(ctx context.Context, report Progress, words []string) error {
	c, process, err := s.find(words)
	if err != nil {
		return err
	}
	switch {
	case process != "":
		err = c.starting(ctx, func(ctx context.Context) error { return s.startOne(ctx, report, c, process) })
	case c.Name == hub:
		err = s.startHub(ctx, report)
	default:
		err = s.startManaged(ctx, report, c, nil)
	}
	if err != nil {
		return err
	}
	report("%s is up.", strings.Join(words, " "))
	return nil
}

func (s *Supervisor) startOne(ctx context.Context, report Progress, c *cluster, process string) error {
	switch process {
	case component.Agent:
		return c.start(ctx, report, c.DRAgent())
	case component.Etcd:
		return c.start(ctx, report, c.Etcd())
	default:
		return s.startAPIServer(ctx, report, c)
	}
}

// find returns the cluster that the words of kill and start mean, and the process, if they mean one.
func (s *Supervisor) find(words []string) (*cluster, string, error) {
	switch {
	case len(words) == 1 && words[0] == "apiserver":
		return s.clusters[hub], component.APIServer, nil
	case len(words) == 1 && s.clusters[words[0]] != nil:
		return s.clusters[words[0]], "", nil
	case len(words) == 2 && words[0] == "agent":
		c, err := s.managed(words[1])
		return c, component.Agent, err
	case len(words) == 2 && words[0] == "etcd" && s.clusters[words[1]] != nil:
		return s.clusters[words[1]], component.Etcd, nil
	}
	return nil, "", fmt.Errorf("%q is none of: dr1, dr2, hub, agent dr1|dr2, apiserver, etcd hub|dr1|dr2", strings.Join(words, " "))
}

// Partition cuts a managed cluster's agent and storage off from the hub and from its peer, or the hub off from all, in both
// directions.
func (s *Supervisor) Partition(report Progress, name string) error {
	if err := known(name); err != nil {
		return err
	}
	s.links.partition(name, true)
	report("%s is cut off.", name)
	return nil
}

// Slow makes all that a managed cluster's agent and storage exchange with others take its time, or all that the hub does, also
// its kube-apiserver with dr-apiserver where they have a link.
func (s *Supervisor) Slow(report Progress, name string) error {
	if err := known(name); err != nil {
		return err
	}
	s.links.slow(name, true)
	report("%s has slow links.", name)
	return nil
}

// Heal undoes Partition and Slow.
func (s *Supervisor) Heal(report Progress, name string) error {
	if err := known(name); err != nil {
		return err
	}
	s.links.partition(name, false)
	s.links.slow(name, false)
	report("%s is connected.", name)
	return nil
}

// StopS3 ends the object store of a profile.
func (s *Supervisor) StopS3(report Progress, profile string) error {
	c, err := s.storeOf(profile)
	if err != nil {
		return err
	}
	c.kill(component.S3)
	report("%s is dead.", profile)
	return nil
}

// StartS3 starts the object store of a profile.
func (s *Supervisor) StartS3(ctx context.Context, report Progress, profile string) error {
	c, err := s.storeOf(profile)
	if err != nil {
		return err
	}
	if err := c.starting(ctx, func(ctx context.Context) error { return s.startS3(ctx, report, c) }); err != nil {
		return err
	}
	report("%s is up.", profile)
	return nil
}

// s3Faults are the words for what an object store can do to its users.
var s3Faults = map[string]network.Mode{
	"forbid": network.Forbid, "full": network.Full, "hang": network.BlackHole, "slow": network.Slow, "truncate": network.Truncate,
	"heal": network.Pass,
}

// FaultS3 makes the object store of a profile answer 403 (forbid), have no room (full), not answer (hang), answer late (slow) or
// incompletely (truncate), or serve again (heal).
func (s *Supervisor) FaultS3(report Progress, profile, fault string) error {
	c, err := s.storeOf(profile)
	if err != nil {
		return err
	}
	mode, known := s3Faults[fault]
	if !known {
		return fmt.Errorf("%q is none of: %s", fault, strings.Join(slices.Sorted(maps.Keys(s3Faults)), ", "))
	}
	s.links.faultS3(c.Name, mode)
	report("%s: %s.", profile, fault)
	return nil
}

func known(name string) error {
	if slices.Contains(allClusters, name) {
		return nil
	}
	return fmt.Errorf("%q is none of: %s", name, strings.Join(allClusters, ", "))
}

func (s *Supervisor) managed(name string) (*cluster, error) {
	if c := s.clusters[name]; c != nil && name != hub {
		return c, nil
	}
	return nil, fmt.Errorf("%q is none of: %s", name, strings.Join(managedClusters, ", "))
}

func (s *Supervisor) storeOf(profile string) (*cluster, error) {
	for _, name := range managedClusters {
		if component.Profile(name) == profile {
			return s.clusters[name], nil
		}
	}
	return nil, fmt.Errorf("%q is none of the profiles s3-%s", profile, strings.Join(managedClusters, ", s3-"))
}

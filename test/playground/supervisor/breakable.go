// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/disk"
)

// diskSize has room for what a playground writes in an hour, and for the files that etcd reserves.
const diskSize = 1 << 30

// disks are who has a disk of its own in a breakable playground: everything that keeps what must not be lost.
var disks = map[string][]string{
	hub:   {component.Etcd, component.APIServer},
	"dr1": {component.Etcd, component.S3},
	"dr2": {component.Etcd, component.S3},
}

func diskNames() []string {
	var names []string
	for _, cluster := range allClusters {
		for _, program := range disks[cluster] {
			names = append(names, cluster+"/"+program)
		}
	}
	return names
}

// makeBreakable gives a playground that was never up disks that can be full, as far as mounting is allowed, and has requests for
// dr-apiserver take a link that can be slow.
func (s *Supervisor) makeBreakable(report Progress) error {
	if s.state.breakable() {
		return nil
	}
	if len(s.clusters[hub].list()) > 0 {
		return errors.New("the playground is up and can't be made breakable any more; make down removes it, then boot another")
	}
	for _, cluster := range allClusters {
		for _, program := range disks[cluster] {
			if err := disk.Make(s.clusters[cluster].Dir(program), diskSize); err != nil {
				report("%-4s %s has no disk of its own: %v", cluster, program, err)
			}
		}
	}
	return s.state.update(func(r *remembered) { r.Breakable = true })
}

// Disk makes the disk of a program full, or gives it room again.
func (s *Supervisor) Disk(report Progress, name, word string) error {
	cluster, program, _ := strings.Cut(name, "/")
	c := s.clusters[cluster]
	if c == nil {
		return fmt.Errorf("%q is none of: %s", name, strings.Join(diskNames(), ", "))
	}
	directory := c.Dir(program)
	if !disk.Mounted(directory) {
		return fmt.Errorf("%s has no disk of its own; up --breakable, as root, gives it one", name)
	}
	var err error
	switch word {
	case "full":
		err = disk.Fill(directory)
	case "heal":
		err = disk.Empty(directory, diskSize)
	default:
		return fmt.Errorf("%q is neither full nor heal", word)
	}
	if err == nil {
		report("The disk of %s: %s.", name, word)
	}
	return err
}

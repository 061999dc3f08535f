// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ramendr/dr-apiserver/test/playground/component"
	"github.com/ramendr/dr-apiserver/test/playground/supervisor"
)

// program is the group of processes that use of the machine is accounted to.
type program string

// Programs, as the report names them.
const (
	programAPIServer  program = "dr-apiserver"
	programAgents     program = "agents"
	programKubernetes program = "kube-apiservers, etcds, kcms"
	programRest       program = "storage, S3, kwok"
)

// programs in the order of the report.
var programs = []program{programAPIServer, programAgents, programKubernetes, programRest}

// charged are the programs whose use counts as the cost of an action; storage and kubelets are only played here.
var charged = []program{programAPIServer, programAgents, programKubernetes}

func programOf(process string) program {
	switch process {
	case component.APIServer:
		return programAPIServer
	case component.Agent:
		return programAgents
	case component.Etcd, component.KubeAPIServer, component.KubeControllerManager:
		return programKubernetes
	}
	return programRest
}

// clockTick is the unit of CPU times in /proc: USER_HZ is 100 on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// usage is what running processes have used until now.
type usage struct {
	cpu    map[program]time.Duration
	memory map[program]int64
}

// readUsage reads what the processes of the playground have used.
func readUsage(status supervisor.Status) (usage, error) {
	u := usage{cpu: map[program]time.Duration{}, memory: map[program]int64{}}
	for _, process := range status.Processes {
		if process.PID == 0 {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process.PID))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			// It has ended since.
			continue
		}
		if err != nil {
			return u, fmt.Errorf("%s of %s: %w", process.Name, process.Cluster, err)
		}
		cpu, memory, err := parseStat(stat)
		if err != nil {
			return u, fmt.Errorf("%s of %s: %w", process.Name, process.Cluster, err)
		}
		u.cpu[programOf(process.Name)] += cpu
		u.memory[programOf(process.Name)] += memory
	}
	return u, nil
}

// since is the CPU time that was used between two readings.
func (u usage) since(earlier usage) map[program]time.Duration {
	used := map[program]time.Duration{}
	for name, cpu := range u.cpu {
		used[name] = cpu - earlier.cpu[name]
	}
	return used
}

// parseStat returns CPU time and resident memory from the content of /proc/PID/stat. The second field is the program's name
// in parentheses and may hold anything, so fields are counted from its end.
func parseStat(stat []byte) (cpu time.Duration, memory int64, err error) {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const utime, stime, rss = 11, 12, 21
	if len(fields) <= rss {
		return 0, 0, fmt.Errorf("unexpected content of /proc/PID/stat: %q", stat)
	}
	var numbers [3]int64
	for i, field := range []int{utime, stime, rss} {
		if numbers[i], err = strconv.ParseInt(fields[field], 10, 64); err != nil {
			return 0, 0, fmt.Errorf("unexpected content of /proc/PID/stat: %w", err)
		}
	}
	return time.Duration(numbers[0]+numbers[1]) * clockTick, numbers[2] * int64(os.Getpagesize()), nil
}

// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	page := int64(os.Getpagesize())
	tests := map[string]struct {
		stat   string
		cpu    time.Duration
		memory int64
		wrong  bool
	}{
		"user and system time and resident memory are read": {
			stat: "42 (etcd) S 1 42 42 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 9 0 1000 11000000 2500 18446744073709551615 1",
			cpu:  2 * time.Second, memory: 2500 * page,
		},
		"a name with parentheses and spaces does not shift fields": {
			stat: "42 (a) S (b c) S 1 42 42 0 -1 4194560 900 0 0 0 1 2 0 0 20 0 9 0 1000 11000000 3 18446744073709551615 1",
			cpu:  30 * time.Millisecond, memory: 3 * page,
		},
		"something else is an error": {stat: "42 (etcd) S 1 42", wrong: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cpu, memory, err := parseStat([]byte(test.stat))
			if (err != nil) != test.wrong {
				t.Fatalf("error %v, want one: %v", err, test.wrong)
			}
			if cpu != test.cpu || memory != test.memory {
				t.Errorf("cpu %s, memory %d, want %s, %d", cpu, memory, test.cpu, test.memory)
			}
		})
	}
}

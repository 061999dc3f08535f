// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func testStage() (*stage, *bytes.Buffer) {
	out := &bytes.Buffer{}
	return newStage("/nowhere", out), out
}

func TestOutputIsShownIndentedAndKept(t *testing.T) {
	s, out := testStage()
	output, code, err := s.run(t.Context(), exec.CommandContext(t.Context(), "sh", "-c", "echo one; echo two >&2; printf three; exit 3"))
	if err != nil || code != 3 {
		t.Errorf("run() = %d, %v, want exit code 3", code, err)
	}
	if want := "one\ntwo\nthree"; output != want {
		t.Errorf("kept %q, want %q", output, want)
	}
	if want := "  one\n  two\n  three\n"; out.String() != want {
		t.Errorf("showed %q, want %q", out.String(), want)
	}
}

func TestAnActThatTakesTooLongSaysSo(t *testing.T) {
	s, _ := testStage()
	err := s.play(t.Context(), "waiting for nothing", time.Millisecond, func(ctx context.Context) error {
		_, _, err := s.run(ctx, exec.CommandContext(ctx, "sleep", "60"))
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "took longer than 1ms") {
		t.Errorf("play() = %v, want the timeout named", err)
	}
}

func TestAnInterruptEndsTheCommand(t *testing.T) {
	s, _ := testStage()
	ctx, cancel := context.WithCancelCause(t.Context())
	errInterrupted := errors.New("interrupted")
	cancel(errInterrupted)
	if _, _, err := s.run(ctx, exec.CommandContext(ctx, "sleep", "60")); !errors.Is(err, errInterrupted) {
		t.Errorf("run() = %v, want %v", err, errInterrupted)
	}
}

func TestCommandsAreShownAsTheyWouldBeTyped(t *testing.T) {
	if got, want := shown([]string{"--reason", "it's gone", "-n", "shop"}), `--reason 'it'\''s gone' -n shop`; got != want {
		t.Errorf("shown() = %s, want %s", got, want)
	}
}

func TestConfiguration(t *testing.T) {
	before := configuration{
		configMaps: map[string]map[string]string{"settings": {"colour": "red"}},
		secrets:    map[string]map[string][]byte{"password": {"value": []byte("x")}},
	}
	tests := map[string]struct {
		after configuration
		wrong string
	}{
		"the same": {after: before},
		"a changed ConfigMap": {
			after: configuration{configMaps: map[string]map[string]string{"settings": {"colour": "blue"}}, secrets: before.secrets},
			wrong: "ConfigMap settings",
		},
		"a missing Secret": {after: configuration{configMaps: before.configMaps}, wrong: "Secret password"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := before.compare(tt.after)
			if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("compare() = %v, want %q", err, tt.wrong)
			}
		})
	}
}

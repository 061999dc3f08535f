// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Command is what a person asks of the supervisor.
type Command struct {
	Verb  string   `json:"verb"`
	Words []string `json:"words,omitempty"`
}

// Verbs of commands.
const (
	VerbUp        = "up"
	VerbDown      = "down"
	VerbKill      = "kill"
	VerbStart     = "start"
	VerbStop      = "stop"
	VerbPartition = "partition"
	VerbSlow      = "slow"
	VerbHeal      = "heal"
	VerbS3        = "s3"
	VerbFault     = "fault"
	VerbDisk      = "disk"
)

// Words after VerbUp.
const (
	// WordInstant asks for storage that answers at once.
	WordInstant = "instant-storage"
	// WordHubOnly asks for the hub, and leaves the managed clusters as they are.
	WordHubOnly = "hub-only"
	// WordBreakable asks for disks that can be full and for a link to dr-apiserver that can be slow.
	WordBreakable = "breakable"
	// WordStorage begins the one that says where dr-apiserver keeps its objects.
	WordStorage = "storage="
)

// event is one line of the answer to a command. The last one says how it ended.
type event struct {
	Message string `json:"message,omitempty"`
	Done    bool   `json:"done,omitempty"`
	Error   string `json:"error,omitempty"`
}

// Serve answers commands on the listener until one says down or the context ends.
func (s *Supervisor) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.Status(r.Context()))
	})
	mux.HandleFunc("POST /command", func(w http.ResponseWriter, r *http.Request) {
		var command Command
		if err := json.NewDecoder(r.Body).Decode(&command); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.answer(r.Context(), w, command)
		if command.Verb == VerbDown {
			cancel()
		}
	})
	server := &http.Server{Handler: mux}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// answer carries a command out and sends what happens as it happens.
func (s *Supervisor) answer(ctx context.Context, w http.ResponseWriter, command Command) {
	var mu sync.Mutex
	encoder, controller := json.NewEncoder(w), http.NewResponseController(w)
	send := func(e event) {
		mu.Lock()
		defer mu.Unlock()
		_ = encoder.Encode(e)
		_ = controller.Flush()
	}
	report := func(format string, args ...any) { send(event{Message: fmt.Sprintf(format, args...)}) }
	if err := s.do(ctx, report, command); err != nil {
		send(event{Error: err.Error()})
		return
	}
	send(event{Done: true})
}

func (s *Supervisor) do(ctx context.Context, report Progress, command Command) error {
	words := command.Words
	switch command.Verb {
	case VerbUp:
		if err := s.chooseAPIStorage(words); err != nil {
			return err
		}
		if slices.Contains(words, WordBreakable) {
			if err := s.makeBreakable(report); err != nil {
				return err
			}
		}
		if slices.Contains(words, WordHubOnly) {
			return s.UpHub(ctx, report)
		}
		return s.Up(ctx, report, slices.Contains(words, WordInstant))
	case VerbDown:
		s.Close()
		return nil
	case VerbKill:
		return s.Kill(report, words)
	case VerbStart, VerbStop:
		return s.startOrStop(ctx, report, command)
	case VerbPartition, VerbSlow, VerbHeal:
		if len(words) != 1 {
			return fmt.Errorf("%s takes one cluster: %s", command.Verb, strings.Join(allClusters, " or "))
		}
		change := map[string]func(Progress, string) error{VerbPartition: s.Partition, VerbSlow: s.Slow, VerbHeal: s.Heal}
		return change[command.Verb](report, words[0])
	case VerbS3:
		if len(words) != 2 {
			return fmt.Errorf("s3 takes a profile and one of: %s", strings.Join(slices.Sorted(maps.Keys(s3Faults)), ", "))
		}
		return s.FaultS3(report, words[0], words[1])
	case VerbDisk:
		if len(words) != 2 {
			return fmt.Errorf("disk takes one of %s, and full or heal", strings.Join(diskNames(), ", "))
		}
		return s.Disk(report, words[0], words[1])
	case VerbFault:
		return s.Fault(ctx, report, words)
	}
	return fmt.Errorf("unknown command %q", command.Verb)
}

func (s *Supervisor) startOrStop(ctx context.Context, report Progress, command Command) error {
	words := command.Words
	store := len(words) == 2 && words[0] == "s3"
	switch {
	case command.Verb == VerbStop && !store:
		return fmt.Errorf("stop takes s3 and a profile; for clusters and their programs it is kill")
	case command.Verb == VerbStop:
		return s.StopS3(report, words[1])
	case store:
		return s.StartS3(ctx, report, words[1])
	}
	return s.Start(ctx, report, words)
}

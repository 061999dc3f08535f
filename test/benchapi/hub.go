// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"github.com/ramendr/dr-apiserver/test/e2e/framework"
	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// Values of --storage, which are dr-apiserver's own.
const (
	storageEmbedded = "embedded"
	storageEtcd     = "etcd"
	storageHost     = "host"
)

// hub is the playground's hub with a dr-apiserver of this benchmark: it runs no controllers, which would act on what is
// measured, and its store waits for the disk no more than the hub's etcd does.
type hub struct {
	*framework.Playground
	directory string
	children  []*exec.Cmd
	// processes by name.
	processes map[string]process
}

// process is one that serves.
type process struct {
	pid int
	// metrics is where it tells about itself.
	metrics *rest.Config
}

// startTimeout is how long a process may take until it serves.
const startTimeout = time.Minute

func newHub(ctx context.Context, playground *framework.Playground, o options) (*hub, error) {
	h := &hub{Playground: playground, processes: map[string]process{}}
	if err := h.start(ctx, o); err != nil {
		h.stop()
		return nil, err
	}
	return h, nil
}

func (h *hub) start(ctx context.Context, o options) (err error) {
	// What is kept in memory is never waited for.
	if h.directory, err = os.MkdirTemp("/dev/shm", "bench-api"); err != nil {
		return err
	}
	status, err := h.Status(ctx)
	if err != nil {
		return err
	}
	var original []string
	for _, p := range status.Processes {
		config := rest.CopyConfig(h.Hub.Config)
		config.Host = fmt.Sprintf("https://127.0.0.1:%d", p.Port)
		switch p.Name {
		case component.Etcd:
			config = &rest.Config{Host: fmt.Sprintf("http://127.0.0.1:%d", p.Port)}
		case component.KubeAPIServer:
		case component.APIServer:
			if original, err = commandLine(p.PID); err != nil {
				return err
			}
		default:
			continue
		}
		h.processes[p.Name] = process{pid: p.PID, metrics: config}
	}
	if original == nil {
		return fmt.Errorf("no %s runs", component.APIServer)
	}
	if err := h.Do(ctx, "kill", "apiserver"); err != nil {
		return err
	}
	return h.startAPIServer(ctx, original, o.storage)
}

// startAPIServer runs dr-apiserver as the playground did, at the same address, but for its storage and its controllers.
func (h *hub) startAPIServer(ctx context.Context, original []string, storage string) error {
	args := append(original[1:len(original):len(original)],
		"--enable-controllers=false", "--storage="+storage, "--data-dir="+filepath.Join(h.directory, "data"))
	if storage == storageEtcd {
		endpoint, err := h.startEtcd()
		if err != nil {
			return err
		}
		args = append(args, "--etcd-servers="+endpoint)
	}
	pid, err := h.spawn(component.APIServer, h.Root.Program(component.APIServer), args)
	if err != nil {
		return err
	}
	h.processes[component.APIServer] = process{pid: pid, metrics: h.processes[component.APIServer].metrics}
	placements := h.Hub.DR.DrV1alpha1().DRPlacementControls(metav1.NamespaceAll)
	var last error
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		_, last = placements.List(ctx, metav1.ListOptions{})
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("dr-apiserver does not serve: %w; its log is in %s", last, h.directory)
	}
	return nil
}

// startEtcd runs an etcd like the hub's own.
func (h *hub) startEtcd() (string, error) {
	var addresses [2]string
	for i := range addresses {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		defer listener.Close()
		addresses[i] = "http://" + listener.Addr().String()
		listener.Close()
	}
	client, peer := addresses[0], addresses[1]
	const name = "dr-apiserver's etcd"
	pid, err := h.spawn(name, h.Root.Tool(component.Etcd), []string{
		"--name=bench", "--data-dir=" + filepath.Join(h.directory, "etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=bench=" + peer,
		"--unsafe-no-fsync", "--log-level=warn",
	})
	h.processes[name] = process{pid: pid, metrics: &rest.Config{Host: client}}
	return client, err
}

// spawn starts a program that ends when this one does, with its output in a file.
func (h *hub) spawn(name, program string, args []string) (int, error) {
	log, err := os.Create(filepath.Join(h.directory, strings.ReplaceAll(name, " ", "-")+".log"))
	if err != nil {
		return 0, err
	}
	defer log.Close()
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return 0, fmt.Errorf("start %s: %w", name, err)
	}
	h.children = append(h.children, command)
	return command.Process.Pid, nil
}

// stop ends what was started and removes what it left.
func (h *hub) stop() {
	for _, child := range h.children {
		_ = child.Process.Signal(os.Interrupt)
	}
	for _, child := range h.children {
		_ = child.Wait()
	}
	if h.directory != "" {
		os.RemoveAll(h.directory)
	}
}

// commandLine is how a running process was started.
func commandLine(pid int) ([]string, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil, err
	}
	var words []string
	for word := range bytes.SplitSeq(bytes.TrimSuffix(content, []byte{0}), []byte{0}) {
		words = append(words, string(word))
	}
	return words, nil
}

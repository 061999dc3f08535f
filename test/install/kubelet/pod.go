// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/ramendr/dr-apiserver/test/playground/network"
)

// finalizer keeps a pod for as long as its container runs, as a cluster does: with the pod its ServiceAccount token ends.
const finalizer = "kubelet.dr.ramen.io/runs"

// restartAfter is how long a container that ended is left alone.
const restartAfter = time.Second

// pod is one pod with one container.
type pod struct {
	*Kubelet
	object *corev1.Pod
	// dir has the container's files in root.
	dir   string
	ready atomic.Bool

	mu      sync.Mutex
	ending  bool
	process *os.Process
	stop    context.CancelFunc
	ended   chan struct{}
}

func (p *pod) container() *corev1.Container { return &p.object.Spec.Containers[0] }

func (p *pod) root(path string) string { return filepath.Join(p.dir, "root", path) }

func (p *pod) address(port string) string { return network.Address(p.Ports.Get(p.portName(port))) }

func (p *pod) portName(port string) string { return string(p.object.UID) + "/" + port }

// prepare makes the container's files and finds its ports.
func (p *pod) prepare(ctx context.Context) error {
	for _, port := range p.container().Ports {
		if err := p.Ports.Reserve(p.portName(port.Name)); err != nil {
			return err
		}
	}
	if _, err := p.environment(); err != nil {
		return err
	}
	if err := linkTree(p.Image, p.root("/")); err != nil {
		return err
	}
	return p.writeVolumes(ctx)
}

// linkTree makes a copy of a directory whose files are the same.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, relative), 0o755)
		}
		return os.Link(path, filepath.Join(to, relative))
	})
}

// start runs the container, again and again if it ends, until the pod ends.
func (p *pod) start() error {
	ctx, stop := context.WithCancel(context.Background())
	p.stop, p.ended = stop, make(chan struct{})
	log, err := os.OpenFile(p.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	go func() {
		// The process dies with the thread that started it.
		runtime.LockOSThread()
		defer close(p.ended)
		defer log.Close()
		for p.run(ctx, log) {
			select {
			case <-ctx.Done():
			case <-time.After(restartAfter):
			}
		}
	}()
	return nil
}

// run runs the container once and says whether it is to be run again.
func (p *pod) run(ctx context.Context, log *os.File) bool {
	cmd, err := p.command()
	if err != nil {
		p.Say("pod %s: %v", p.object.Name, err)
		return true
	}
	cmd.Stdout, cmd.Stderr = log, log
	if !p.begin(cmd) {
		return false
	}
	probing, stop := context.WithCancel(ctx)
	defer stop()
	go p.probe(probing)
	err = cmd.Wait()
	stop()
	p.setReady(ctx, false)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.process = nil
	if !p.ending {
		p.Say("pod %s: its container ended (%v); its log is %s", p.object.Name, err, log.Name())
	}
	return !p.ending
}

func (p *pod) begin(cmd *exec.Cmd) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending {
		return false
	}
	if err := cmd.Start(); err != nil {
		p.Say("pod %s: %v", p.object.Name, err)
		return false
	}
	p.process = cmd.Process
	return true
}

// end asks the container to end, kills it after its grace period, and keeps what its claims hold.
func (p *pod) end() {
	p.mu.Lock()
	p.ending = true
	if p.process != nil {
		_ = p.process.Signal(syscall.SIGTERM)
	}
	p.mu.Unlock()
	select {
	case <-p.ended:
	case <-time.After(time.Duration(*p.object.Spec.TerminationGracePeriodSeconds) * time.Second):
		p.Say("pod %s did not end within its grace period of %d s", p.object.Name, *p.object.Spec.TerminationGracePeriodSeconds)
		p.mu.Lock()
		if p.process != nil {
			_ = p.process.Kill()
		}
		p.mu.Unlock()
		<-p.ended
	}
	p.stop()
	p.detach()
	_ = os.RemoveAll(p.dir)
}

// keep keeps the pod until letGo.
func (p *pod) keep(ctx context.Context) error {
	return p.patch(ctx, fmt.Appendf(nil, `{"metadata":{"finalizers":[%q]}}`, finalizer))
}

// letGo lets the pod go, which has ended.
func (p *pod) letGo(ctx context.Context) {
	err := wait.PollUntilContextCancel(ctx, restartAfter, true, func(ctx context.Context) (bool, error) {
		err := p.patch(ctx, fmt.Appendf(nil, `{"metadata":{"$deleteFromPrimitiveList/finalizers":[%q]}}`, finalizer))
		return err == nil || apierrors.IsNotFound(err), nil
	})
	if err != nil {
		p.Say("pod %s: letting it go: %v", p.object.Name, err)
	}
}

func (p *pod) patch(ctx context.Context, patch []byte) error {
	_, err := p.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.object.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	return err
}

// command is the container's process: in its own root directory, as its own user.
func (p *pod) command() (*exec.Cmd, error) {
	environment, err := p.environment()
	if err != nil {
		return nil, err
	}
	c := p.container()
	args := append([]string{}, c.Command...)
	for _, arg := range c.Args {
		args = append(args, expand(arg, environment))
	}
	args = append(args, p.Loopback(c.Name, p.address)...)
	cmd := &exec.Cmd{Path: args[0], Args: args, Dir: "/", Env: []string{}}
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.SysProcAttr = isolated(p.root("/"), p.object.Spec.SecurityContext)
	return cmd, nil
}

// isolated runs a process in a directory as a user. Whoever is not root becomes that user in a user namespace.
func isolated(root string, security *corev1.PodSecurityContext) *syscall.SysProcAttr {
	user, group := int(*security.RunAsUser), int(*security.RunAsGroup)
	attributes := &syscall.SysProcAttr{Chroot: root, Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if os.Getuid() == 0 {
		attributes.Credential = &syscall.Credential{Uid: uint32(user), Gid: uint32(group), NoSetGroups: false}
		return attributes
	}
	attributes.Cloneflags = syscall.CLONE_NEWUSER
	attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: user, HostID: os.Getuid(), Size: 1}}
	attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: group, HostID: os.Getgid(), Size: 1}}
	return attributes
}

// environment is what the container finds in its environment: what it says, and where the cluster's API is.
func (p *pod) environment() (map[string]string, error) {
	host, port, _ := strings.Cut(strings.TrimPrefix(p.Config.Host, "https://"), ":")
	environment := map[string]string{"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
	for _, variable := range p.container().Env {
		value, err := p.value(variable)
		if err != nil {
			return nil, fmt.Errorf("environment variable %s: %w", variable.Name, err)
		}
		environment[variable.Name] = value
	}
	return environment, nil
}

func (p *pod) value(variable corev1.EnvVar) (string, error) {
	switch from := variable.ValueFrom; {
	case from == nil:
		return variable.Value, nil
	case from.SecretKeyRef != nil:
		secret, err := p.secrets.Get(from.SecretKeyRef.Name)
		if err != nil {
			return "", err
		}
		return keyOf(stringsOf(secret.Data), from.SecretKeyRef.Key)
	case from.ConfigMapKeyRef != nil:
		configMap, err := p.configMaps.Get(from.ConfigMapKeyRef.Name)
		if err != nil {
			return "", err
		}
		return keyOf(configMap.Data, from.ConfigMapKeyRef.Key)
	case from.FieldRef != nil:
		return p.field(from.FieldRef)
	}
	return "", fmt.Errorf("this kubelet does not know its source")
}

var reference = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)`)

// expand puts variables in the place of their references.
func expand(text string, environment map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		if value, known := environment[found[2:len(found)-1]]; known {
			return value
		}
		return found
	})
}

func (p *pod) patchStatus(ctx context.Context, patch []byte) {
	_, err := p.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.object.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		p.Say("pod %s: telling its status: %v", p.object.Name, err)
	}
}

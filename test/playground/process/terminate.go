// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"context"
	"fmt"
	"syscall"
)

// Terminate asks the program to end, as a kubelet does, and returns how it ended. It stays stopped until Start. If the
// context is done before, the program is killed.
func (p *Process) Terminate(ctx context.Context) error {
	p.mu.Lock()
	current := p.run
	p.wanted, p.run = false, nil
	p.setState(Stopped)
	p.mu.Unlock()
	if current == nil {
		return nil
	}
	if err := syscall.Kill(current.cmd.Process.Pid, syscall.SIGTERM); err != nil && !current.ended() {
		return fmt.Errorf("%s %s: %w", p.Cluster, p.Name, err)
	}
	select {
	case <-current.done:
		return current.err
	case <-ctx.Done():
		current.kill()
		<-current.done
		return fmt.Errorf("%s %s had to be killed: %w", p.Cluster, p.Name, ctx.Err())
	}
}

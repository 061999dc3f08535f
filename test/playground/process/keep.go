// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package process

import "time"

// keep starts the program again whenever it ends by itself.
func (p *Process) keep(current *run) {
	backoff := firstBackoff
	for {
		started := time.Now()
		<-current.done
		if time.Since(started) > steadyAfter {
			backoff = firstBackoff
		}
		for {
			if !p.beginRestart(current) {
				return
			}
			time.Sleep(backoff)
			backoff = min(2*backoff, maxBackoff)
			next, ok := p.restart(current)
			if !ok {
				return
			}
			if next != nil {
				current = next
				break
			}
		}
	}
}

func (p *Process) beginRestart(ended *run) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.wanted || p.run != ended {
		return false
	}
	p.setState(Restarting)
	return true
}

// restart returns false if the process was stopped in the meantime, and no run if it could not be started.
func (p *Process) restart(ended *run) (*run, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.wanted || p.run != ended {
		return nil, false
	}
	p.restarts++
	next, err := p.execute()
	if err != nil {
		return nil, true
	}
	p.run = next
	p.setState(Running)
	return next, true
}

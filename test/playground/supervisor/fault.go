// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/ramendr/dr-apiserver/test/playground/component"
)

// Fault hands the words on to the storage simulators that run, which know what faults there are, and reports what is
// in place then. A simulator that starts has no faults.
func (s *Supervisor) Fault(ctx context.Context, report Progress, words []string) error {
	var failures []error
	for _, name := range managedClusters {
		c := s.clusters[name]
		if !c.runs(component.Storage) {
			report("%-4s its storage does not run", name)
			continue
		}
		answer, err := s.control(ctx, c, words)
		if err != nil {
			failures = append(failures, fmt.Errorf("the storage of %s: %w", name, err))
			continue
		}
		report("%-4s %s", name, answer)
	}
	return errors.Join(failures...)
}

func (s *Supervisor) control(ctx context.Context, c *cluster, words []string) (string, error) {
	method, body := http.MethodGet, []byte(nil)
	if len(words) > 0 {
		method = http.MethodPost
		var err error
		if body, err = json.Marshal(words); err != nil {
			return "", err
		}
	}
	url := "http://" + c.Address(component.Storage) + "/fault"
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	answer := strings.TrimSpace(string(content))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, answer)
	}
	return answer, err
}

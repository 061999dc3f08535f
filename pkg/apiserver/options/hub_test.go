// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package options

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/client-go/rest"
)

func TestAServerWaitsForAHubThatDoesNotAnswer(t *testing.T) {
	for name, answers := range map[string][]int{
		"one that works":              {200},
		"one that starts":             {500, 200},
		"one that has much to do":     {429, 200},
		"one that does not let us":    {403},
		"one that takes its time":     {503, 500, 200},
		"one that does not know us":   {401},
		"one without such a question": {404},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(answers[asked])
				asked++
			}))
			defer hub.Close()
			if err := awaitHub(t.Context(), &rest.Config{Host: hub.URL}); err != nil || asked != len(answers) {
				t.Errorf("it was asked %d times, and then %v", asked, err)
			}
		})
	}
}

func TestAServerThatWaitsForItsHubCanBeEnded(t *testing.T) {
	hub := httptest.NewServer(http.NotFoundHandler())
	hub.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := awaitHub(ctx, &rest.Config{Host: hub.URL}); err == nil {
		t.Error("it goes on without a hub")
	}
}

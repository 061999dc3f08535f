// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package mover

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// printed is what a kubelet has of the container of a pod.
func (c *cluster) printed(pod *corev1.Pod) (int, string) {
	mux := http.NewServeMux()
	c.RegisterLogs(mux)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/containerLogs/"+pod.Namespace+"/"+pod.Name+"/rsync-tls", nil))
	return answer.Code, answer.Body.String()
}

func TestSourcePrintsWhatItSentAsLongAsItsPodIsThere(t *testing.T) {
	dr1, dr2 := newClusters(t)
	dr1.key(key)
	dr2.key(key)
	dr1.write(300)
	source := dr1.run(sourceScript, external)
	if code, said := dr1.printed(source); code != http.StatusNotFound {
		t.Errorf("before it has ended: %d %s", code, said)
	}
	destination := dr2.run("server.sh", "")
	dr1.ended(source, corev1.PodSucceeded)
	dr2.ended(destination, corev1.PodSucceeded)
	if _, said := dr1.printed(source); !regexp.MustCompile(`^sent \d+\.\d\dK bytes  received \d+ bytes .*\ntotal size is `).MatchString(said) {
		t.Errorf("it printed %q", said)
	}
	if err := dr1.client.Delete(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	dr1.reconcile(source)
	if code, said := dr1.printed(source); code != http.StatusNotFound {
		t.Errorf("when it is gone: %d %s", code, said)
	}
}

func TestMoversPrintWhatVolSyncReads(t *testing.T) {
	filesystem := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{}}}}
	block := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{VolumeDevices: []corev1.VolumeDevice{{Name: volumeData}}}}}}
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		t    traffic
		err  error
		want string
	}{
		"a little": {filesystem, traffic{999, 35}, nil, "sent 999 bytes  received 35 bytes  517 bytes/sec\ntotal size is 3.50M  speedup is 3384.91\nrsync completed in 2s\n"},
		"more":     {filesystem, traffic{833_810, 0}, nil, "sent 833.81K bytes  received 0 bytes  416.90K bytes/sec\ntotal size is 3.50M  speedup is 4.20\nrsync completed in 2s\n"},
		"raw":      {block, traffic{999, 35}, nil, "diskrsync completed in 2s\n"},
		"nothing":  {filesystem, traffic{}, errors.New("no route"), "rsync error: no route\nrsync completed in 2s\nSynchronization failed. rsync returned: 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if said := sourceLog(c.pod, c.t, 3_500_000, 2*time.Second, c.err); said != c.want {
				t.Errorf("it printed %q", said)
			}
		})
	}
}

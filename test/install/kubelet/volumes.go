// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// writeVolumes makes the container's volumes hold what they should.
func (p *pod) writeVolumes(ctx context.Context) error {
	for _, mount := range p.container().VolumeMounts {
		for _, volume := range p.object.Spec.Volumes {
			if volume.Name != mount.Name {
				continue
			}
			if err := p.writeVolume(ctx, volume.VolumeSource, p.root(mount.MountPath)); err != nil {
				return fmt.Errorf("volume %s: %w", volume.Name, err)
			}
		}
	}
	return nil
}

func (p *pod) writeVolume(ctx context.Context, source corev1.VolumeSource, path string) error {
	switch {
	case source.PersistentVolumeClaim != nil:
		return p.attach(source.PersistentVolumeClaim.ClaimName, path)
	case source.EmptyDir != nil:
		return p.writable(path)
	case source.ConfigMap != nil:
		configMap, err := p.configMaps.Get(source.ConfigMap.Name)
		if err != nil {
			return err
		}
		return writeItems(path, configMap.Data, source.ConfigMap.Items)
	case source.Secret != nil:
		secret, err := p.secrets.Get(source.Secret.SecretName)
		if source.Secret.Optional != nil && *source.Secret.Optional && err != nil {
			return os.MkdirAll(path, 0o755)
		}
		if err != nil {
			return err
		}
		return writeItems(path, stringsOf(secret.Data), source.Secret.Items)
	case source.Projected != nil:
		return p.writeProjected(ctx, source.Projected, path)
	}
	return errors.New("this kubelet does not know its kind")
}

// writeProjected writes what the ServiceAccount admission gives every pod: a token, the cluster's CA and the namespace.
func (p *pod) writeProjected(ctx context.Context, projected *corev1.ProjectedVolumeSource, path string) error {
	for _, source := range projected.Sources {
		var err error
		switch {
		case source.ServiceAccountToken != nil:
			err = p.writeToken(ctx, source.ServiceAccountToken, path)
		case source.ConfigMap != nil:
			var configMap *corev1.ConfigMap
			if configMap, err = p.configMaps.Get(source.ConfigMap.Name); err == nil {
				err = writeItems(path, configMap.Data, source.ConfigMap.Items)
			}
		case source.DownwardAPI != nil:
			for _, item := range source.DownwardAPI.Items {
				var value string
				if value, err = p.field(item.FieldRef); err == nil {
					err = write(filepath.Join(path, item.Path), value)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeToken asks for a token that is bound to the pod. It lasts longer than any test.
func (p *pod) writeToken(ctx context.Context, projection *corev1.ServiceAccountTokenProjection, path string) error {
	path = filepath.Join(path, projection.Path)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: projection.ExpirationSeconds,
		BoundObjectRef: &authenticationv1.BoundObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: p.object.Name, UID: p.object.UID,
		},
	}}
	token, err := p.client.CoreV1().ServiceAccounts(p.Namespace).CreateToken(ctx, p.object.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return write(path, token.Status.Token)
}

func (p *pod) field(ref *corev1.ObjectFieldSelector) (string, error) {
	switch ref.FieldPath {
	case "metadata.namespace":
		return p.object.Namespace, nil
	case "metadata.name":
		return p.object.Name, nil
	}
	return "", fmt.Errorf("this kubelet does not know %s", ref.FieldPath)
}

// claim is where a claim's content is while no pod has it.
func (k *Kubelet) claim(name string) string { return filepath.Join(k.Dir, "claims", name) }

// attach moves a claim's content into the pod, which has to be the only one to have it.
func (p *pod) attach(name, path string) error {
	if holder := p.hold(name); holder != p {
		return fmt.Errorf("pod %s has claim %s", holder.object.Name, name)
	}
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	err := os.Rename(p.claim(name), path)
	if os.IsNotExist(err) {
		err = p.writable(path)
	}
	return err
}

// hold gives the pod a claim that no pod has, and returns the one that has it.
func (p *pod) hold(claim string) *pod {
	p.Kubelet.mu.Lock()
	defer p.Kubelet.mu.Unlock()
	if p.holders[claim] == nil {
		p.holders[claim] = p
	}
	return p.holders[claim]
}

// detach moves the content of claims out of the pod again.
func (p *pod) detach() {
	for claim, path := range p.claims() {
		kept := p.claim(claim)
		if err := errors.Join(os.MkdirAll(filepath.Dir(kept), 0o755), os.Rename(path, kept)); err != nil {
			p.Say("pod %s: keeping claim %s: %v", p.object.Name, claim, err)
		}
	}
	p.release()
	p.poke()
}

// release lets other pods have the claims.
func (p *pod) release() {
	p.Kubelet.mu.Lock()
	defer p.Kubelet.mu.Unlock()
	for claim, holder := range p.holders {
		if holder == p {
			delete(p.holders, claim)
		}
	}
}

// claims are the pod's claims and where they are mounted.
func (p *pod) claims() map[string]string {
	paths := map[string]string{}
	for _, mount := range p.container().VolumeMounts {
		for _, volume := range p.object.Spec.Volumes {
			if volume.Name == mount.Name && volume.PersistentVolumeClaim != nil {
				paths[volume.PersistentVolumeClaim.ClaimName] = p.root(mount.MountPath)
			}
		}
	}
	return paths
}

// writable makes a directory that belongs to the pod's fsGroup.
func (p *pod) writable(path string) error {
	if err := os.MkdirAll(path, 0o775); err != nil || os.Getuid() != 0 {
		return err
	}
	return errors.Join(os.Chown(path, 0, int(*p.object.Spec.SecurityContext.FSGroup)), os.Chmod(path, 0o2775))
}

// writeItems writes the items, or everything if there are none.
func writeItems(path string, data map[string]string, items []corev1.KeyToPath) error {
	if len(items) == 0 {
		for key := range data {
			items = append(items, corev1.KeyToPath{Key: key, Path: key})
		}
	}
	for _, item := range items {
		value, err := keyOf(data, item.Key)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(path, item.Path), value); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file that a reader never sees half of.
func write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if before, err := os.ReadFile(path); err == nil && bytes.Equal(before, []byte(content)) {
		return nil
	}
	if err := os.WriteFile(path+".new", []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func stringsOf(data map[string][]byte) map[string]string {
	values := map[string]string{}
	for key, value := range data {
		values[key] = string(value)
	}
	return values
}

func keyOf(data map[string]string, key string) (string, error) {
	value, there := data[key]
	if !there {
		return "", fmt.Errorf("it has no key %s", key)
	}
	return value, nil
}

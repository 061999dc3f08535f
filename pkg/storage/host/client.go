// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

// fieldManager is the hub's name for who writes records.
const fieldManager = "dr-apiserver"

// metadataOnly asks for the answer to a write without the data that was just sent.
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

// Client reads and writes the records in one namespace of the hub. Several stores share one.
type Client struct {
	rest      rest.Interface
	namespace string
	progress  *progress
}

// NewClient returns a client of the hub whose records are in the namespace.
func NewClient(hub *rest.Config, namespace string) (*Client, error) {
	config := rest.CopyConfig(hub)
	config.GroupVersion = &GroupVersion
	config.APIPath = "/apis"
	config.NegotiatedSerializer = codecs.WithoutConversion()
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	config.QPS, config.Burst, config.RateLimiter = -1, -1, nil
	restClient, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("creating a client of the hub for its records: %w", err)
	}
	c := &Client{rest: restClient, namespace: namespace}
	c.progress = newProgress(c.touch)
	return c, nil
}

func (c *Client) get(ctx context.Context, name string) (*Record, error) {
	record := &Record{}
	err := c.rest.Get().Namespace(c.namespace).Resource(Resource).Name(name).Do(ctx).Into(record)
	return record, err
}

// list waits for a hub that is busy. Of a revision that is still to come it is told at once, and does not ask ten times.
func (c *Client) list(ctx context.Context, options metav1.ListOptions) (*RecordList, error) {
	request := c.rest.Get().Namespace(c.namespace).Resource(Resource).VersionedParams(&options, metav1.ParameterCodec)
	if options.ResourceVersionMatch == metav1.ResourceVersionMatchExact {
		request = request.MaxRetries(0)
	}
	list := &RecordList{}
	err := request.Do(ctx).Into(list)
	return list, err
}

func (c *Client) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.Watch = true
	return c.rest.Get().Namespace(c.namespace).Resource(Resource).
		VersionedParams(&options, metav1.ParameterCodec).Watch(ctx)
}

// create returns the resourceVersion of the new record.
func (c *Client) create(ctx context.Context, record *Record) (string, error) {
	return written(ctx, c.rest.Post().Namespace(c.namespace).Resource(Resource).Body(record))
}

// update returns the new resourceVersion. It is refused as a conflict unless the record's is that of the hub.
func (c *Client) update(ctx context.Context, record *Record) (string, error) {
	return written(ctx, c.rest.Put().Namespace(c.namespace).Resource(Resource).Name(record.Name).Body(record))
}

// delete is refused as a conflict unless the resourceVersion is that of the hub.
func (c *Client) delete(ctx context.Context, name, resourceVersion string) error {
	options := &metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &resourceVersion}}
	return c.rest.Delete().Namespace(c.namespace).Resource(Resource).Name(name).Body(options).Do(ctx).Error()
}

func (c *Client) merge(ctx context.Context, name string, patch []byte) (string, error) {
	return written(ctx, c.rest.Patch(types.MergePatchType).Namespace(c.namespace).Resource(Resource).Name(name).Body(patch))
}

func written(ctx context.Context, request *rest.Request) (string, error) {
	answer := &metav1.PartialObjectMetadata{}
	err := request.SetHeader("Accept", metadataOnly).Param("fieldManager", fieldManager).Do(ctx).Into(answer)
	return answer.ResourceVersion, err
}

// Ready fails while the hub does not serve this server its records.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.get(ctx, progressName)
	if isMissing(err) {
		return nil
	}
	return hubError(err)
}

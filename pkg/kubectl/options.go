// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"

	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned"
	"github.com/ramendr/dr-apiserver/pkg/generated/clientset/versioned/scheme"
)

// options is what every command has.
type options struct {
	genericiooptions.IOStreams
	config *genericclioptions.ConfigFlags
	clock  clock.WithTicker
	// connect makes the client; tests put their own in.
	connect func() (versioned.Interface, error)
	// canPrompt and canRedraw say whether a person sits at the input and looks at the output.
	canPrompt, canRedraw bool
	// width is how many columns the output has now; 0 if it has no end.
	width func() int
}

func newOptions(streams genericiooptions.IOStreams) *options {
	o := &options{
		IOStreams: streams,
		config:    genericclioptions.NewConfigFlags(true),
		clock:     clock.RealClock{},
		canPrompt: isTerminal(streams.In),
		canRedraw: isTerminal(streams.Out),
		width:     func() int { return terminalWidth(streams.Out) },
	}
	o.connect = func() (versioned.Interface, error) {
		config, err := o.config.ToRESTConfig()
		if err != nil {
			return nil, err
		}
		config.WarningHandler = rest.NewWarningWriter(o.ErrOut, rest.WarningWriterOptions{Deduplicate: true})
		return versioned.NewForConfig(config)
	}
	return o
}

// session is a client and the namespace it is to be used in.
type session struct {
	versioned.Interface
	namespace string
}

func (o *options) open() (*session, error) {
	client, err := o.connect()
	if err != nil {
		return nil, err
	}
	namespace, _, err := o.config.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, err
	}
	return &session{Interface: client, namespace: namespace}, nil
}

func (o *options) now() time.Time { return o.clock.Now() }

// output is the -o of a command: objects for programs, or else words for people.
type output struct {
	flags *genericclioptions.PrintFlags
}

func addOutput(cmd *cobra.Command) *output {
	flags := genericclioptions.NewPrintFlags("").WithTypeSetter(scheme.Scheme)
	flags.AddFlags(cmd)
	return &output{flags: flags}
}

func (p *output) forPeople() bool { return *p.flags.OutputFormat == "" }

func (p *output) print(o *options, object runtime.Object) error {
	printer, err := p.flags.ToPrinter()
	if err != nil {
		return err
	}
	each := func(object runtime.Object) error { return printer.PrintObj(object, o.Out) }
	if *p.flags.OutputFormat == "name" && meta.IsListType(object) {
		err = meta.EachListItem(object, each)
	} else {
		err = each(object)
	}
	if err != nil {
		return fmt.Errorf("printing: %w", err)
	}
	return nil
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/format"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
)

func newFormat() *cobra.Command {
	var write, list, show bool
	cmd := &cobra.Command{
		Use:   "fmt [-w | -l | -d] [FILE...]",
		Short: "format AIDL source",
		Long: `fmt writes AIDL source in one style to standard output. A folder means all .aidl files below it;
without a FILE it formats standard input. What does not parse is left as it is, and told.`,
		Example: `  aidlgen fmt -w aidl      # mend all files below aidl
  aidlgen fmt -l .         # which files are not in the style? status 1 if any`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				text, err := io.ReadAll(cmd.InOrStdin())
				if err != nil {
					return err
				}
				out, err := format.Source("standard input", text)
				if err != nil {
					return told(cmd, err)
				}
				_, err = cmd.OutOrStdout().Write(out)
				return err
			}
			files, err := expand(args)
			if err != nil {
				return err
			}
			var failed error
			for _, name := range files {
				if err := formatFile(cmd, name, write, list, show); err != nil {
					failed = err
				}
			}
			return failed
		},
	}
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write the result to the file")
	cmd.Flags().BoolVarP(&list, "list", "l", false, "list files that are not in the style; status 1 if there are any")
	cmd.Flags().BoolVarP(&show, "diff", "d", false, "show what would change; status 1 if anything would")
	cmd.MarkFlagsMutuallyExclusive("write", "list", "diff")
	return cmd
}

func formatFile(cmd *cobra.Command, name string, write, list, show bool) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return told(cmd, err)
	}
	out, err := format.Source(name, text)
	if err != nil {
		return told(cmd, err)
	}
	same := bytes.Equal(text, out)
	switch {
	case write:
		return writeFile(name, out)
	case list && !same:
		fmt.Fprintln(cmd.OutOrStdout(), name)
		return errTold
	case show && !same:
		_, _ = cmd.OutOrStdout().Write(diff.Diff(name, text, name+" formatted", out))
		return errTold
	case list || show:
		return nil
	}
	_, err = cmd.OutOrStdout().Write(out)
	return err
}

// told writes err and is errTold, so that other files have their turn.
func told(cmd *cobra.Command, err error) error {
	var found diag.List
	if errors.As(err, &found) {
		return tell(cmd, found)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "aidlgen fmt: %v\n", err)
	return errTold
}

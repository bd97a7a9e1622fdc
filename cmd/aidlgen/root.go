package main

import (
	"slices"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/api"
	"github.com/fusebinder/fusebinder/aidl/check"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const rootHelp = `aidlgen compiles AIDL to Go: one Go package for each AIDL package. The AIDL package a.b becomes the
folder a/b below the output folder, and the Go import path PREFIX/a/b. Whatever the FILEs import is
compiled, too, unless --no-imports or --map says otherwise. A folder as FILE means all .aidl files
below it.

Where an import a.b.C is looked for: a/b/C.aidl below a DIR of -I, or below the folder in which the
packages of the FILEs begin.

What is wrong is told as file:line:column: message, with the line and a hint; the exit status is 1
then, and no file is written. A wrong command line has status 2.`

const rootExamples = `  # Compile an interface and what it imports; the output folder is inside a Go module.
  aidlgen -I aidl -o gen --import example.com/app/gen aidl/org/example/IGreeter.aidl

  # The same from a Go file, with aidlgen as a tool of go.mod
  # (go get -tool github.com/fusebinder/fusebinder/cmd/aidlgen):
  //go:generate go tool aidlgen -I aidl -o gen --import example.com/app/gen aidl

  # Types of android.os are in Go already.
  aidlgen -I aidl -o gen --import example.com/app/gen --map android.os=example.com/os/gen aidl

  # Freeze an interface as its next version, and compile that version.
  aidlgen --freeze aidl_api/greeter -I aidl aidl
  aidlgen -o gen --import example.com/app/gen --frozen aidl_api/greeter/1

  # May clients of version 1 talk to services of what is there now, and the other way round?
  aidlgen --checkapi aidl_api/greeter/1 aidl

  # One style for AIDL source.
  aidlgen fmt -w aidl`

// options are the flags of the root command.
type options struct {
	include      []string
	preprocessed []string
	structured   bool
	stability    string
	backends     []string
	minSDK       int
	warnings     []string

	out       string
	prefix    string
	noImports bool
	mapping   []string
	version   int
	hash      string
	frozen    string
	deps      string
	ninja     bool

	check      string
	dump       bool
	noLicense  bool
	preamble   string
	freeze     string
	apiMapping string
	preprocess string
}

func newRoot() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:               "aidlgen [-I DIR]... -o DIR --import PREFIX FILE...",
		Short:             "compile AIDL to Go",
		Long:              rootHelp,
		Example:           rootExamples,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name { // as AOSP's aidl calls them
		case "dep":
			name = "deps"
		case "apimapping":
			name = "api-mapping"
		case "no_license":
			name = "no-license"
		}
		return pflag.NormalizedName(name)
	})
	fs.StringArrayVarP(&o.include, "include", "I", nil, "look for imports below `DIR`; may be repeated")
	fs.StringArrayVarP(&o.preprocessed, "preprocessed", "p", nil, "types that exist elsewhere are declared in `FILE`; may be repeated")
	fs.StringVarP(&o.out, "out", "o", "", "write below `DIR`")
	fs.StringVar(&o.prefix, "import", "", "Go import path of the output folder is `PREFIX`; without it, what its go.mod says")
	fs.BoolVar(&o.noImports, "no-imports", false, "compile only the FILEs, not what they import")
	fs.StringArrayVar(&o.mapping, "map", nil, "`NAME=PATH`: the Go package of the AIDL package NAME is PATH already,\nor the Go type of the parcelable NAME is PATH (import/path.Type); may be repeated")
	fs.IntVar(&o.version, "version", 0, "the interfaces have version `N` and answer getInterfaceVersion")
	fs.StringVar(&o.hash, "hash", "", "the API's hash is `HASH`, and the interfaces answer getInterfaceHash")
	fs.StringVar(&o.frozen, "frozen", "", "compile the frozen version in `DIR` (aidl_api/NAME/N), with its version and hash")
	fs.StringVar(&o.deps, "deps", "", "write to `FILE`, for make, what the output depends on")
	fs.BoolVar(&o.ninja, "ninja", false, "write --deps for ninja")
	fs.BoolVar(&o.structured, "structured", false, "allow only what an interface with stable versions can have")
	fs.StringVar(&o.stability, "stability", "", "demand `LEVEL` of every type: vintf")
	fs.StringSliceVar(&o.backends, "lang", nil, "refuse, too, what AOSP's compiler refuses for `BACKEND`: java, cpp, ndk, rust; may be repeated")
	fs.IntVar(&o.minSDK, "min-sdk", 0, "refuse what an Android of API level `N` does not know")
	fs.StringArrayVarP(&o.warnings, "warn", "W", nil, "tell the warning `NAME`, or everything; error makes errors of warnings")

	fs.StringVar(&o.check, "checkapi", "", "compare two folders, OLD NEW: is NEW `LEVEL` to OLD, compatible or equal?")
	fs.Lookup("checkapi").NoOptDefVal = "compatible"
	fs.BoolVar(&o.dump, "dumpapi", false, "write what the FILEs promise, one type in a file, below -o")
	fs.BoolVar(&o.noLicense, "no-license", false, "leave licenses out of --dumpapi and --freeze")
	fs.StringVar(&o.preamble, "preamble", "", "begin each file of --dumpapi and --freeze as the snapshot in `FILE` or folder does;\n--freeze without it begins as the version before does")
	fs.StringVar(&o.freeze, "freeze", "", "freeze the FILEs as the next version in `DIR` (aidl_api/NAME)")
	fs.StringVar(&o.apiMapping, "api-mapping", "", "write to `FILE` (- is standard output) where each method is")
	fs.StringVar(&o.preprocess, "preprocess", "", "declare the FILEs' types in `FILE` (- is standard output), for -p of others")
	cmd.AddCommand(newFormat())
	return cmd
}

func (o *options) run(cmd *cobra.Command, args []string) error {
	modes := 0
	for _, on := range []bool{o.check != "", o.dump, o.freeze != "", o.apiMapping != "", o.preprocess != ""} {
		if on {
			modes++
		}
	}
	switch {
	case modes > 1:
		return usagef("--checkapi, --dumpapi, --freeze, --api-mapping and --preprocess exclude each other")
	case o.stability != "" && o.stability != "vintf":
		return usagef("--stability is %q, but only vintf is known", o.stability)
	case unknownBackend(o.backends) != "":
		return usagef("--lang is %q, but can be %s", unknownBackend(o.backends), strings.Join(check.Backends, ", "))
	case o.check != "":
		return o.runCheck(cmd, args)
	}
	if o.frozen != "" {
		if len(args) > 0 {
			return usagef("--frozen says what is compiled; %s is too much", args[0])
		}
		var err error
		if args, err = o.takeFrozen(); err != nil {
			return err
		}
	}
	if len(args) == 0 {
		return usagef("no FILE to compile")
	}
	files, err := expand(args)
	if err != nil {
		return err
	}
	prog, err := o.load(cmd, files)
	if err != nil {
		return err
	}
	switch {
	case o.dump:
		return o.runDump(prog)
	case o.freeze != "":
		return o.runFreeze(cmd, prog)
	case o.apiMapping != "":
		return o.text(cmd, o.apiMapping, api.Mapping(prog))
	case o.preprocess != "":
		return o.text(cmd, o.preprocess, api.Preprocess(prog))
	}
	return o.generate(prog)
}

// unknownBackend is the first name that is none of AOSP's backends.
func unknownBackend(names []string) string {
	i := slices.IndexFunc(names, func(n string) bool { return !slices.Contains(check.Backends, n) })
	if i < 0 {
		return ""
	}
	return names[i]
}

package check

// Where the rules come from. AOSP's compiler is in system/tools/aidl; the
// rules here are those of Android 16 unless it says otherwise.
//
//	rule                                     AOSP
//	tokens, suffixes, underscores            aidl_language_l.ll
//	grammar                                  aidl_language_y.yy
//	what a name means                        aidl_language.cpp: AidlDefinedType::ResolveName, AidlDocument::ResolveName
//	imports that need no file                aidl_typenames.cpp: IsIgnorableImport
//	the file of an import                    import_resolver.cpp: FindImportFile
//	one type for each file, its name         aidl.cpp: load_and_validate_aidl, check_filename
//	reserved names                           aidl_typenames.cpp: HasValidNameComponents; aidl_language.cpp: IsJavaKeyword
//	annotations, parameters, places          aidl_language.cpp: AllSchemas; aidl.cpp: ValidateAnnotationContext
//	integer literals                         aidl_const_expressions.cpp: ParseIntegral
//	promotion, overflow, shifts              aidl_const_expressions.cpp: OverflowGuard, AidlBinaryConstExpression::evaluate
//	values for types                         aidl_const_expressions.cpp: ValueString
//	unions' Tag                              parser.cpp: UnionTagGenerater
//	circular constants, recursive types      parser.cpp: ConstantReferenceResolver, CheckNoRecursiveDefinition
//	nullable, utf8InCpp, generics, arrays    aidl_language.cpp: AidlTypeSpecifier::CheckValid
//	in, out, inout                           aidl_typenames.cpp: GetArgumentAspect; aidl_language.cpp: AidlArgument::CheckValid
//	methods, oneway                          aidl_language.cpp: AidlMethod::CheckValid, AidlInterface::CheckValid
//	transaction ids                          aidl.cpp: CheckAndAssignMethodIDs
//	fields, nested types, derives            aidl_language.cpp: CheckValidWithMembers
//	fixed size, immutable                    aidl_typenames.cpp: CanBeFixedSize, CanBeJavaOnlyImmutable
//	unions                                   aidl_language.cpp: AidlUnionDecl::CheckValid
//	untyped lists and maps, stability        aidl.cpp: load_and_validate_aidl
//	warnings                                 diagnostics.cpp
//
// Where we differ, on purpose:
//
//   - A comment or string that does not end is a mistake.
//   - 0|1 is an expression; AOSP's scanner takes it for a hex number.
//   - Enumerators of one enum have different names.
//   - Arrays of characters may have several values.
//   - AOSP judges each file by itself, we judge the requested files together:
//     no two of them define the same type.
//   - AOSP compiles @VintfStability only with --structured and --stability
//     vintf. Here the annotation alone turns on what these demand, for the
//     type that has it.
//   - The folder in which a file's package begins need not be given with -I.

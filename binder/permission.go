package binder

import (
	"context"
	"strings"

	"github.com/fusebinder/fusebinder/parcel"
)

// A PermissionChecker decides whether a caller has a permission. The implementation of an interface
// with @EnforcePermission is one; without it, every call that needs a permission is refused.
type PermissionChecker interface {
	// CheckPermission tells whether the caller (CallerFrom) has the permission, by its full name,
	// such as "android.permission.INTERNET".
	CheckPermission(ctx context.Context, permission string) bool
}

// RequireAll asks implementation, a PermissionChecker, for all the permissions and answers
// EX_SECURITY if one is missing, in the words of AOSP's Java backend.
func RequireAll(ctx context.Context, implementation any, permissions ...string) error {
	c, ok := implementation.(PermissionChecker)
	for _, name := range permissions {
		if !ok || !c.CheckPermission(ctx, name) {
			return parcel.Exceptionf(parcel.EX_SECURITY, "Access denied, requires: %s", name)
		}
	}
	return nil
}

// RequireAny is RequireAll for permissions one of which suffices.
func RequireAny(ctx context.Context, implementation any, permissions ...string) error {
	if c, ok := implementation.(PermissionChecker); ok {
		for _, name := range permissions {
			if c.CheckPermission(ctx, name) {
				return nil
			}
		}
	}
	return parcel.Exceptionf(parcel.EX_SECURITY, "Access denied, requires: %s", strings.Join(permissions, " or "))
}

"""Sign-in at a hospital's own provider by OpenID Connect; needs the extra `oidc`."""

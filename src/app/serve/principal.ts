/** Who has proven who they are says how: `token:ci`. Others, such as `anonymous`, are nobody. */
export function principalOf(requester: string): { readonly principal?: string } {
  return /^(?:token|certificate|oidc):./s.test(requester) ? { principal: requester } : {}
}

/** A user whom an API server names, when it is proven that an API server asks. */
export function kubernetesPrincipal(user: string): { readonly principal?: string } {
  return user === '' || user.startsWith('unauthenticated:')
    ? {}
    : { principal: `kubernetes:${user}` }
}

import { fetchError } from './errors.js';
import { redactUrl } from './redact-url.js';

/** Redirects that one request follows. */
export const maxRedirects = 5;

/** Whether the answer to a request is that it be made elsewhere. What is sent goes on only where the status says so: RFC 9110, 15.4. */
export function isRedirect(status: number, method: string): boolean {
  if (status === 307 || status === 308) return true;
  return (method === 'GET' || method === 'HEAD') && (status === 301 || status === 302 || status === 303);
}

/**
 * The address that a redirect leads to. User name and password in it are dropped: a server has no business giving us any.
 *
 * @param visited addresses requested so far, the redirecting one last.
 * @throws `ICT_FETCH_REDIRECT` for a missing or unreadable target, a target that is not HTTP, a step from https to http (unless
 *   `allowDowngrade`), a loop, or more than {@link maxRedirects} steps.
 */
export function followRedirect(visited: readonly URL[], location: string | undefined, options: { readonly allowDowngrade: boolean }): URL {
  const from = visited.at(-1);
  const refuse = (why: string, to?: URL): Error =>
    fetchError('ICT_FETCH_REDIRECT', {
      message: `${redactUrl(visited[0] ?? '')} ${why}`,
      hint: 'Use another mirror, or name the final address in the configuration.',
      facts: { url: redactUrl(visited[0] ?? ''), ...(to === undefined ? {} : { target: redactUrl(to) }), steps: visited.length },
    });
  if (location === undefined || from === undefined || !URL.canParse(location, from.href))
    throw refuse('redirects to an address that cannot be read');
  const target = new URL(location, from);
  if (target.protocol !== 'http:' && target.protocol !== 'https:') throw refuse(`redirects to a ${target.protocol} address`, target);
  if (from.protocol === 'https:' && target.protocol === 'http:' && !options.allowDowngrade)
    throw refuse('redirects from https to http', target);
  target.hash = '';
  target.username = '';
  target.password = '';
  const bare = (url: URL): string => url.origin + url.pathname + url.search;
  if (visited.some((url) => bare(url) === bare(target))) throw refuse('redirects in a loop', target);
  if (visited.length > maxRedirects) throw refuse(`redirects more than ${maxRedirects} times`, target);
  return target;
}

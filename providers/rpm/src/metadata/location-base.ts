/** Where files lie that metadata places elsewhere than in its repository: the directory, or why they are not looked for there. */
export type LocationBase = { readonly archive: string } | { readonly fault: string };

const MAX_LENGTH = 2048;

/**
 * Reads an `xml:base`: the whole address of a directory. Like dnf, ICT takes what is relative for no address, and other than dnf nothing of this machine
 * (`file:`) and no user name: metadata is read by everybody, and its addresses get into locks.
 *
 * @returns the address as `isArchiveAddress` has it, or a fault, as the end of a sentence.
 */
export function readLocationBase(text: string): LocationBase {
  if (text.length > MAX_LENGTH) return { fault: `at an address of more than ${MAX_LENGTH} characters` };
  const url = /^\s*https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  // What stands before an "@" may be a password.
  const shown = text.includes('@') ? 'what' : `"${text}", which`;
  if (url === undefined) return { fault: `at ${shown} is no whole address of http or https` };
  if (url.username !== '' || url.password !== '') return { fault: 'at an address with a user name or password' };
  // What follows a question mark may be a secret, and says nothing of files below.
  if (url.search !== '' || url.hash !== '') return { fault: 'at an address with a query or fragment' };
  return { archive: `${url.origin}${url.pathname}`.replace(/\/+$/, '') };
}

/** Which files of packages an image gets, where it does not get all of them. Each part that is absent leaves nothing out. */
export interface FileChoice {
  /** Without what only people read: documents, manuals. What says under which licence a package is stays. */
  readonly documentation?: false;
  /** Of translations only these, as locales name languages: `de`, `pt_BR`, `sr@latin`. Sorted; never empty. */
  readonly languages?: readonly string[];
}

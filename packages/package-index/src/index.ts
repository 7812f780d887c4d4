export { AbsentFiles, nameAbsent } from './absent-files.js';
export { isClimbing } from './climbing-path.js';
export { packageIndexError } from './errors.js';
export { fetchedFrom } from './fetched-from.js';
export { conflictingPackage, FileConflicts, type ConflictingPackage } from './file-conflicts.js';
export { keepContainer, recallContainer, type ContainerContext } from './container-memory.js';
export { editDistance, nearestNames } from './near-names.js';
export { nameFilter, tellFiltered, type NameFilter } from './name-filter.js';
export { isPattern, patternExpression } from './name-pattern.js';
export {
  findRepairs,
  OTHER_REPOSITORIES,
  tellOmission,
  tellRepairs,
  type Contradiction,
  type OtherRequest,
  type Trial,
} from './repairs.js';
export { answersOf } from './request-answers.js';
export { askedBy, askIfMeant, inSentence, tellMeant, tellRequest } from './refusal-words.js';
export { suiteNames } from './suite-names.js';
export { NumberColumn } from './number-column.js';
export { decodeSections, encodeSections } from './container-sections.js';
export type { Section, Sections, SectionsKind } from './container-sections.js';
export { TextHeap } from './text-heap.js';
export { lookupColumns, lookupSections, TextLookup, TextLookupBuilder } from './text-lookup.js';
export type { LookupColumns } from './text-lookup.js';

/** The adapter of the package `yaml`, in a file of its own so that the bundle loads it only when needed. */

export {
  Composer,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  Pair,
  Parser,
  parseDocument,
  Scalar,
  stringify,
  visit,
  YAMLParseError,
} from 'yaml';

/** The door of the package `yaml`: a file of its own, so that a bundle can load it when it is asked for. */

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

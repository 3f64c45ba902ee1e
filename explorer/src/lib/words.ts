// Error texts mention options of the command line and routes; the page replaces them by its own terms.
const REPLACEMENTS: [RegExp, string][] = [
  [/the text of --corrupt (\d+)/, "the second text $1"],
  [/both need the same number, or name one position: corrupt\[-1\]/, "change the second text until both have as many"],
  [/give one with --corrupt TEXT/, "type one below the edits"],
  [/the value 'corrupt' needs a text/, "patching has no second text to read from"],
  [/'(null|NaN)' is not a value/, "the amount is missing"],
  [/a number, zero, mean, median, mean\(dim\), median\(dim\), clean, corrupt, noise\(sd, seed\), file\.npy or file\.safetensors:tensor/, "give a number"],
  [/a number, zero or corrupt/, "scale, add, set to zero or patch instead"],
  [/ \('sweep --whole' scores them all\)/, ""],
  [/GET \/api\/models lists them/, "choose another one in the menu on top"],
  [/needs the token/, "the server asks for its token"],
  [/send the header 'Authorization: Bearer TOKEN'/, "open the address that it printed when it was started"],
];
// Remaining options, routes and headers.
const FOREIGN = /(^|[\s('"])--[a-z]|\b(GET|POST) \/|\/api\/|\bthe header '/;

export const pageWords = (text: string): string => REPLACEMENTS.reduce((result, [pattern, words]) => result.replace(pattern, words), text);

// Details of an edit without an amount quote a text that the user did not write.
export const pageDetails = (text: string): string => (/= (null|NaN)\b/.test(text) ? "" : text);

// A hint for the command line alone is omitted.
export function pageHint(text: string): string {
  const hint = pageWords(text);
  return FOREIGN.test(hint) ? "" : hint;
}

// The server speaks of the command line and of its own addresses; the page says the same in its own words.
const SAYINGS: [RegExp, string][] = [
  [/the text of --corrupt (\d+)/, "the second text $1"],
  [/both need the same number, or name one position: corrupt\[-1\]/, "change the second text until both have as many"],
  [/give one with --corrupt TEXT/, "type one below the edits"],
  [/the value 'corrupt' has no text to be read from/, "patching has no second text to read from"],
  [/'(null|NaN)' is no value/, "the amount is missing"],
  [/a number, zero, mean, corrupt, file\.npy or file\.safetensors:tensor/, "give a number"],
  [/a number, zero or corrupt/, "scale, add, set to zero or patch instead"],
  [/ \('sweep --whole' scores them all\)/, ""],
  [/GET \/api\/models lists them/, "choose another one in the menu on top"],
  [/needs the token/, "the server asks for its token"],
  [/send the header 'Authorization: Bearer TOKEN'/, "open the address that it printed when it was started"],
];
// What is left of them: an option, a route, a header.
const FOREIGN = /(^|[\s('"])--[a-z]|\b(GET|POST) \/|\/api\/|\bthe header '/;

export const pageWords = (text: string): string => SAYINGS.reduce((said, [pattern, words]) => said.replace(pattern, words), text);

// An edit without its amount is no text that anybody wrote.
export const pageDetails = (text: string): string => (/= (null|NaN)\b/.test(text) ? "" : text);

// A hint that only the command line can follow is worse than none.
export function pageHint(text: string): string {
  const said = pageWords(text);
  return FOREIGN.test(said) ? "" : said;
}

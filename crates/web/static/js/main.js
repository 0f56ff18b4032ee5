// What a page does beyond links and forms. Every module finds its own elements and does nothing
// where there are none.

import { watchBrush } from "./brush.js";
import { watchCopy } from "./copy.js";
import { watchFacets } from "./facets.js";
import { watchHelp } from "./help.js";
import { watchKeyboard } from "./keyboard.js";
import { watchMenus } from "./menu.js";
import { watchNavigation } from "./navigate.js";
import { watchPreferences } from "./preferences.js";
import { watchRefresh } from "./refresh.js";
import { watchRows } from "./rows.js";
import { watchSearch } from "./search.js";
import { watchZone } from "./zone.js";

document.documentElement.setAttribute("data-script", "");
watchMenus();
watchCopy();
watchHelp();
watchNavigation();
watchRows();
watchBrush();
watchPreferences();
watchFacets();
watchRefresh();
watchSearch();
watchKeyboard();
watchZone();

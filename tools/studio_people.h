/* studio_people: what the customers of `studio` are called, where they live and how their
 * phones are numbered. Names with accents, apostrophes and umlauts are there on purpose:
 * they decide between GSM-7 and UCS-2, and email addresses are made from them. */
#ifndef TOOLS_STUDIO_PEOPLE_H
#define TOOLS_STUDIO_PEOPLE_H

#include <stddef.h>

#define NAMES  40
#define PLACES 2

struct language {
    unsigned share; /* of all customers, in per cent */
    const char *locale, *regional_locale;
    const char *timezone;
    const char *mail_domain;
    const char *locations[PLACES];
    const char *landline, *note;
    const char *country_code;
    const char *groups;          /* how digits are grouped: "37" is 333 1234567 */
    const char *mobile_prefixes; /* separated by spaces; a number adds digits to one */
    unsigned digits;
    const char *first_names[NAMES], *last_names[NAMES];
};

static const struct language languages[] = {
    {
        .share = 43,
        .locale = "it",
        .regional_locale = "it-IT",
        .timezone = "Europe/Rome",
        .mail_domain = "posta.example",
        .locations = {"Milano Centro", "Roma, Trastevere"},
        .note = "Chiamare dopo le 18.\nPreferisce la sala \"Luce\".",
        .country_code = "39",
        .landline = "02 55512345",
        .groups = "37",
        .mobile_prefixes =
            "320 327 328 329 331 333 334 335 338 339 340 342 345 346 347 348 349 "
            "366 368 370 371 377 380 388 389 391 392 393",
        .digits = 7,
        .first_names = {"Giulia",   "Niccolò",    "Francesca", "Matteo",    "Chiara",
                        "Lorenzo",  "Sofia",      "Andrea",    "Martina",   "Davide",
                        "Elisa",    "Giosuè",     "Valentina", "Simone",    "Aurora",
                        "Tommaso",  "Alessia",    "Gabriele",  "Noemi",     "Riccardo",
                        "Beatrice", "Federico",   "Camilla",   "Edoardo",   "Ilaria",
                        "Filippo",  "Marta",      "Leonardo",  "Silvia",    "Antonio",
                        "Maria",    "Giuseppe",   "Anna",      "Salvatore", "Caterina",
                        "Vincenzo", "Margherita", "Emanuele",  "Serena",    "Michele"},
        .last_names = {"Rossi",      "D'Angelo", "Ferrari",  "Esposito",   "Bianchi",
                       "Dell'Acqua", "Romano",   "Colombo",  "Ricci",      "Marino",
                       "Greco",      "Bruno",    "Gallo",    "Conti",      "De Luca",
                       "Mancini",    "Costa",    "Giordano", "Rizzo",      "Lombardi",
                       "Moretti",    "Barbieri", "Fontana",  "Santoro",    "Mariani",
                       "Rinaldi",    "Caruso",   "Ferrara",  "Galli",      "Martini",
                       "Leone",      "Longo",    "Gentile",  "Martinelli", "Vitale",
                       "D'Amico",    "Serra",    "Coppola",  "De Santis",  "Marchetti"},
    },
    {
        .share = 16,
        .locale = "fr",
        .regional_locale = "fr-FR",
        .timezone = "Europe/Paris",
        .mail_domain = "courrier.example",
        .locations = {"Paris 11e", "Lyon, Croix-Rousse"},
        .note = "Rappeler sa mère.\nA dit : \"plutôt le soir\".",
        .country_code = "33",
        .landline = "01 55 51 23 45",
        .groups = "12222",
        .mobile_prefixes = "60 61 62 64 66 67 68 76 77 78",
        .digits = 7,
        .first_names = {"François", "Zoé",     "Hélène",   "Jérôme",  "Léa",
                        "Benoît",   "Chloé",   "Lucas",    "Inès",    "Théo",
                        "Manon",    "Noël",    "Camille",  "Hugo",    "Éléonore",
                        "Louis",    "Maëlle",  "Arthur",   "Agnès",   "Raphaël",
                        "Clémence", "Antoine", "Juliette", "Gaëtan",  "Marie",
                        "Pierre",   "Océane",  "Mathéo",   "Sophie",  "Étienne",
                        "Anaïs",    "Nicolas", "Céline",   "Julien",  "Margaux",
                        "Baptiste", "Élise",   "Olivier",  "Aurélie", "Thomas"},
        .last_names = {"Martin",    "Lefèvre",   "L'Hôpital", "Dubois",   "Gauthier",
                       "François",  "Moreau",    "Bérenger",  "Laurent",  "Girard",
                       "D'Aubigné", "Roux",      "Fournier",  "Mercier",  "Garçon",
                       "Lambert",   "Bonnet",    "Blanchard", "Guérin",   "Boyer",
                       "Chevalier", "Beauchêne", "Perrin",    "Morin",    "Mathieu",
                       "Clément",   "Duval",     "Denis",     "Lemaître", "Robin",
                       "Masson",    "Noël",      "Dufour",    "Meunier",  "Brunet",
                       "Le Goff",   "Besançon",  "Joly",      "Rivière",  "Lucas"},
    },
    {
        .share = 15,
        .locale = "es",
        .regional_locale = "es-ES",
        .timezone = "Europe/Madrid",
        .mail_domain = "correo.example",
        .locations = {"Madrid, Chamberí", "Barcelona Gràcia"},
        .note = "Lesión de rodilla (2024).\nPidió la sala \"Norte\".",
        .country_code = "34",
        .landline = "912 345 678",
        .groups = "3222",
        .mobile_prefixes = "60 61 62 63 64 65 66 67 68 69",
        .digits = 7,
        .first_names = {"José",    "Begoña",  "Íñigo",  "María",  "Álvaro", "Lucía",
                        "Sergio",  "Núria",   "Pablo",  "Mónica", "Javier", "Inés",
                        "Andrés",  "Sofía",   "Martín", "Carmen", "Óscar",  "Elena",
                        "Adrián",  "Rocío",   "Diego",  "Paula",  "Raúl",   "Marta",
                        "Iván",    "Laura",   "Rubén",  "Pilar",  "Hugo",   "Ángela",
                        "Víctor",  "Irene",   "Jesús",  "Alba",   "Daniel", "Noelia",
                        "Joaquín", "Claudia", "Tomás",  "Ainhoa"},
        .last_names = {"García",  "Muñoz",    "Núñez",     "Fernández", "López",
                       "Ibáñez",  "Martínez", "Sánchez",   "Pérez",     "Gómez",
                       "Martín",  "Jiménez",  "Ruiz",      "Hernández", "Díaz",
                       "Moreno",  "Álvarez",  "Romero",    "Alonso",    "Gutiérrez",
                       "Navarro", "Torres",   "Domínguez", "Vázquez",   "Ramos",
                       "Gil",     "Ramírez",  "Serrano",   "Blanco",    "Molina",
                       "Suárez",  "Ortega",   "Delgado",   "Castro",    "Ortiz",
                       "Rubio",   "Marín",    "Sanz",      "Peña",      "Iglesias"},
    },
    {
        .share = 12,
        .locale = "de",
        .regional_locale = "de-AT",
        .timezone = "Europe/Berlin",
        .mail_domain = "post.example",
        .locations = {"Berlin-Mitte", "München, Glockenbach"},
        .note = "Bitte nur vormittags anrufen.\nNennt sich \"Hansi\".",
        .country_code = "49",
        .landline = "030 5551234",
        .groups = "47",
        .mobile_prefixes =
            "1511 1512 1514 1515 1516 1517 1520 1522 1523 1525 1573 1575 1577 1578",
        .digits = 7,
        .first_names = {"Jürgen", "Käthe",      "Björn",   "Sören",  "Lena",   "Jörg",
                        "Anna",   "Günther",    "Mia",     "Felix",  "Zoë",    "Jonas",
                        "Emma",   "Maximilian", "Hannah",  "Paul",   "Änne",   "Lukas",
                        "Clara",  "Leon",       "Marie",   "Finn",   "Sophie", "Ben",
                        "Lea",    "Elias",      "Johanna", "Moritz", "Ida",    "Anton",
                        "Greta",  "Karl",       "Frieda",  "Götz",   "Luise",  "Matthias",
                        "Ursula", "Stefan",     "Heike",   "Rüdiger"},
        .last_names = {"Müller",   "Schröder", "Weiß",       "Groß",    "Schmidt",
                       "Jäger",    "Fischer",  "Köhler",     "Weber",   "Krüger",
                       "Wagner",   "Böhm",     "Becker",     "Schäfer", "Hoffmann",
                       "Koch",     "Bauer",    "Richter",    "Klein",   "Wolf",
                       "Neumann",  "Schwarz",  "Zimmermann", "Braun",   "Hofmann",
                       "Hartmann", "Lange",    "Schmitt",    "Krause",  "Meier",
                       "Lehmann",  "Walter",   "Mayer",      "Huber",   "Kaiser",
                       "Fuchs",    "Peters",   "Möller",     "Scholz",  "Lüdtke"},
    },
    {
        .share = 14,
        .locale = "en",
        .regional_locale = "en-GB",
        .timezone = "Europe/London",
        .mail_domain = "mail.example",
        .locations = {"London, Hackney", "Bristol \"The Loft\""},
        .note = "Ask for \"Bob\".\nPays cash, always.",
        .country_code = "44",
        .landline = "020 7946 0123",
        .groups = "46",
        .mobile_prefixes =
            "7402 7403 7415 7425 7480 7501 7523 7540 7710 7721 7733 7745 7803 7812 "
            "7841 7850 7860 7903 7920 7930 7947 7960 7975 7990",
        .digits = 6,
        .first_names = {"Olivia", "Robert \"Bob\"", "Amelia",  "Oliver",    "Siân",
                        "George", "Isla",           "Harry",   "Ava",       "Noah",
                        "Emily",  "Jack",           "Sophie",  "Leo",       "Grace",
                        "Oscar",  "Freya",          "Charlie", "Lily",      "Muhammad",
                        "Poppy",  "Henry",          "Zoë",     "William",   "Evie",
                        "Thomas", "Rosie",          "James",   "Alice",     "Joshua",
                        "Daisy",  "Samuel",         "Ella",    "Alexander", "Mary-Jane",
                        "Edward", "Chloe",          "Daniel",  "Phoebe",    "Benjamin"},
        .last_names = {"Smith",      "O'Brien",  "Jones",          "Taylor",
                       "Brown",      "Williams", "Wilson",         "Johnson",
                       "Davies",     "Patel",    "Robinson",       "Wright",
                       "Thompson",   "Evans",    "Walker",         "White",
                       "Roberts",    "Green",    "Hall",           "Wood",
                       "Jackson",    "Clarke",   "Khan",           "Harris",
                       "Martin",     "Cooper",   "King",           "Lee",
                       "Baker",      "O'Neill",  "Hill",           "Turner",
                       "Allen, Jr.", "Moore",    "Campbell",       "MacDonald",
                       "Ward",       "Watson",   "Ó Súilleabháin", "Fitzgerald"},
    },
};

#endif

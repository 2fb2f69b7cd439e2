//! strftime for a pinned moment, in the C locale. Templates that print a date must print the same one in
//! every run.

use crate::failure::{fail, shown, Outcome};

#[derive(Clone, Copy, Debug)]
pub struct Moment {
    year: i64,
    month: usize,
    day: usize,
    hour: usize,
    minute: usize,
    second: usize,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn month_length(year: i64, month: usize) -> usize {
    match month {
        2 => 28 + usize::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Moment {
    /// "2024-07-26" or "2024-07-26T13:05:00".
    pub fn parse(text: &str) -> Outcome<Self> {
        let refused =
            || fail("text.date", format!("the date \"{}\" is not of the form 2024-07-26", shown(text)));
        let bytes = text.as_bytes();
        let shape = if bytes.len() == 10 { "dddd-dd-dd" } else { "dddd-dd-ddTdd:dd:dd" };
        let fits = bytes.len() == shape.len()
            && bytes.iter().zip(shape.bytes()).all(|(byte, form)| {
                if form == b'd' {
                    byte.is_ascii_digit()
                } else {
                    *byte == form
                }
            });
        if !fits {
            return refused();
        }
        let number = |from: usize, to: usize| text[from..to].parse::<usize>().unwrap_or(usize::MAX);
        let clock = |from: usize| if bytes.len() > 10 { number(from, from + 2) } else { 0 };
        let moment = Self {
            year: number(0, 4) as i64,
            month: number(5, 7),
            day: number(8, 10),
            hour: clock(11),
            minute: clock(14),
            second: clock(17),
        };
        let valid = moment.year >= 1
            && (1..=12).contains(&moment.month)
            && moment.day >= 1
            && moment.day <= month_length(moment.year, moment.month)
            && moment.hour < 24
            && moment.minute < 60
            && moment.second < 60;
        if valid {
            Ok(moment)
        } else {
            refused()
        }
    }

    fn day_of_year(&self) -> usize {
        (1..self.month).map(|month| month_length(self.year, month)).sum::<usize>() + self.day
    }

    /// 0 is Sunday.
    fn weekday(&self) -> usize {
        let before = self.year - 1;
        let days = before * 365 + before / 4 - before / 100 + before / 400 + self.day_of_year() as i64;
        days.rem_euclid(7) as usize
    }

    pub fn format(&self, form: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut letters = form.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                out.push(letter);
                continue;
            }
            let mut code = letters.next().ok_or("a date format ends in %")?;
            let bare = code == '-';
            if bare {
                code = letters.next().ok_or("a date format ends in %-")?;
            }
            let two = |value: usize| if bare { value.to_string() } else { format!("{value:02}") };
            let twelve = (self.hour + 11) % 12 + 1;
            out.push_str(&match code {
                'Y' => format!("{}", self.year),
                'y' => two((self.year % 100) as usize),
                'm' => two(self.month),
                'd' => two(self.day),
                'e' if bare => self.day.to_string(),
                'e' => format!("{:2}", self.day),
                'H' => two(self.hour),
                'I' => two(twelve),
                'M' => two(self.minute),
                'S' => two(self.second),
                'j' if bare => self.day_of_year().to_string(),
                'j' => format!("{:03}", self.day_of_year()),
                'B' => MONTHS[self.month - 1].to_string(),
                'b' | 'h' => MONTHS[self.month - 1][..3].to_string(),
                'A' => DAYS[self.weekday()].to_string(),
                'a' => DAYS[self.weekday()][..3].to_string(),
                'w' => self.weekday().to_string(),
                'p' => (if self.hour < 12 { "AM" } else { "PM" }).to_string(),
                'F' => format!("{}-{:02}-{:02}", self.year, self.month, self.day),
                'T' => format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second),
                'D' => format!("{:02}/{:02}/{:02}", self.month, self.day, self.year % 100),
                '%' => "%".to_string(),
                other => return Err(format!("a date format uses %{other}, which is not supported")),
            });
        }
        Ok(out)
    }
}

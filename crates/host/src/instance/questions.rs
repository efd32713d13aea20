//! The instance's questions to the network that are no connections.

use modem::QueryFailure;

use super::*;

/// How many questions may wait for answers, messages apart. A module asks fewer at a time; those that it has given up (the bearer was
/// shut meanwhile) would otherwise pile up, each with its socket, for as long as they may take.
const QUESTIONS: usize = 64;

impl Instance {
    pub(super) fn ask(&mut self, query: QueryId, question: Query) {
        if self.questions.iter().filter(|question| !question.is_message()).count() >= QUESTIONS {
            self.drop_oldest();
        }
        let network = Arc::clone(&self.network);
        self.questions.push(match question {
            Query::Message { destination, tpdu } => {
                Question::carry(&self.name, query, self.sender.clone(), (destination, tpdu), network)
            }
            other => Question::ask(&self.name, query, other, network),
        });
    }

    /// Should the module still wait for it, it is told that the time is over.
    fn drop_oldest(&mut self) {
        if let Some(index) = self.questions.iter().position(|question| !question.is_message()) {
            let query = self.questions.remove(index).id();
            self.handle_input(Input::Query { query, result: Err(QueryFailure::Timeout) });
        }
    }

    pub(super) fn poll_questions(&mut self, cx: &mut Context<'_>) -> bool {
        let mut progress = false;
        let mut index = 0;
        while let Some(question) = self.questions.get_mut(index) {
            let Poll::Ready(answer) = question.poll(cx) else {
                index += 1;
                continue;
            };
            progress = true;
            question.log(&answer);
            let query = question.id();
            self.questions.remove(index);
            let result = answer.map_err(|unanswered| unanswered.class);
            self.handle_input(Input::Query { query, result });
        }
        progress
    }
}
